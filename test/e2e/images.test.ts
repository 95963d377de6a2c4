import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pushImage } from '../../playground/stack/push-image.ts'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'
import { type Capstan, startCapstan } from './capstan.ts'
import { kubectl, read } from './kubectl.ts'
import { deployment, namespace } from './manifests.ts'
import { createRepository, type Repository } from './repository.ts'

describe('images, releases and policies through the whole system', () => {
  const id = randomBytes(3).toString('hex')
  const space = `images-${id}`
  const web = `${space}:deployment/web`
  const host = stack().registry
  const image = `${host}/${space}/web`
  const chartImage = `${host}/${space}/chart`
  let repository: Repository
  let capstan: Capstan

  const release = (tag: string) => `apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata:
  name: chart
  namespace: ${space}
  annotations:
    fluxcd.io/automated: "true" # by itself
    filter.fluxcd.io/chart-image: semver:~1.0
spec:
  chart: {repository: "http://127.0.0.1:1/", name: none, version: 1.0.0}
  values:
    image:
      repository: ${chartImage}
      tag: "${tag}"   # kept
`

  /** A file as it is on the server now. */
  async function file(path: string): Promise<string> {
    await repository.git('pull', '-q', '--rebase', 'origin', 'main')
    return readFileSync(join(repository.clone, path), 'utf8')
  }

  async function push(path: string, tag: string): Promise<void> {
    await pushImage({ registry: host, repository: `${space}/${path}`, tag })
  }

  async function notify(path: string, tag: string): Promise<void> {
    const event = { action: 'push', target: { repository: `${space}/${path}`, tag }, request: { host } }
    const type = 'application/vnd.docker.distribution.events.v1+json'
    const headers = { authorization: `Bearer ${capstan.token}`, 'content-type': type }
    const body = JSON.stringify({ events: [event] })
    await fetch(`${capstan.url}/api/v1/images/notify`, { method: 'POST', headers, body })
  }

  const isLive = async (tag: string) =>
    JSON.stringify((await read('deployment', space, 'web'))?.spec ?? {}).includes(`${image}:${tag}`)

  beforeAll(async () => {
    for (const tag of ['1.0.0', '1.0.1', '1.1.0', '2.0.0']) await push('web', tag)
    await push('chart', '1.0.0')
    repository = await createRepository()
    await repository.push({
      'namespace.yaml': namespace(space),
      'web.yaml': deployment('web', space, { replicas: 0, image: `${image}:1.0.0`, annotations: '    a: b # mine\n' }),
      'chart.yaml': release('1.0.0'),
    })
    capstan = await startCapstan([
      `--git-url=${repository.url}`,
      '--git-branch=main',
      '--git-poll-interval=1s',
      '--sync-interval=1h',
      '--automation-interval=1h',
      '--git-set-author',
      '--git-ci-skip',
      '--sync-state=cluster',
      `--allow-namespace=${space}`,
      `--registry-insecure-host=${host}`,
    ])
    await until('the first image is live', () => isLive('1.0.0'), { logFile: capstan.logFile })
  })

  afterAll(async () => {
    await kubectl('delete', 'helmreleases.helm.fluxcd.io', '--all', '-n', space, '--timeout=120s').catch(
      () => undefined,
    )
    await capstan?.stop()
    await repository?.stop()
    await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
  })

  it('a release says what it would do, does it, and has nothing to do then', async () => {
    const args = ['release', '--workload', web, '-i', `${image}:1.0.1`, '--user', 'Ann <ann@example.com>']
    const dry = await capstan.cli(...args, '--dry-run')
    expect([dry.code, dry.stdout]).toEqual([
      0,
      expect.stringMatching(/WORKLOAD +STATUS +UPDATES\n.*success +.*:1\.0\.0 -> 1\.0\.1/),
    ])
    expect(await file('web.yaml')).toContain(`${image}:1.0.0`)

    const done = await capstan.cli(...args)
    expect([done.code, done.stderr]).toEqual([
      0,
      expect.stringMatching(/Commit pushed:\t[0-9a-f]{7}\nCommit applied:\t[0-9a-f]{7}\n$/),
    ])
    expect(await isLive('1.0.1')).toBe(true)
    expect(await file('web.yaml')).toContain(`image: ${image}:1.0.1`)
    expect(await repository.git('log', '-1', '--format=%an <%ae>|%cn|%B')).toBe(
      `Ann <ann@example.com>|Weave Flux|Release ${image}:1.0.1 to ${web}\n\n[ci skip]`,
    )
    await repository.git('fetch', '-q', 'origin', 'refs/notes/*:refs/notes/*')
    const note = JSON.parse(await repository.git('notes', '--ref=flux', 'show', 'HEAD')) as object
    expect(note).toMatchObject({
      jobID: expect.stringMatching(/^[0-9a-f]{32}$/),
      spec: { type: 'image', cause: { User: 'Ann <ann@example.com>' }, spec: { ServiceSpecs: [web], Kind: 'execute' } },
      result: { [web]: { Status: 'success' }, [`${space}:helmrelease/chart`]: { Status: 'ignored' } },
    })

    const again = await capstan.cli(...args)
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('Nothing to do')])
    const unknown = await capstan.cli('release', '--workload', web, '-i', `${image}:7`)
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('does not exist')])
  })

  it('a lock stops automation and releases, with its reason in git; unlock lets it go', async () => {
    const before = await file('web.yaml')
    const lock = await capstan.cli('lock', '-w', web, '-m', "it's = broken", '--user', 'Ann')
    expect([lock.code, lock.stdout]).toEqual([0, expect.stringContaining('success')])
    expect(await file('web.yaml')).toContain(`    fluxcd.io/locked: 'true'\n`)
    expect(await file('web.yaml')).toContain(`    fluxcd.io/locked_msg: it's = broken\n`)
    const automate = await capstan.cli('policy', '-w', web, '--automate', '--tag-all', 'semver:~1')
    expect(automate.code).toBe(0)
    const refused = await capstan.cli('release', '--workload', web, '--update-all-images', '-v')
    expect([refused.code, refused.stdout]).toEqual([0, expect.stringMatching(/skipped +locked/)])
    await notify('web', '1.1.0')
    const shown = await capstan.cli('images', web, '--all')
    expect(shown.stdout).toMatch(/automated, locked/)
    expect(await file('web.yaml')).toContain(`${image}:1.0.1`)

    const unlocked = await capstan.cli('unlock', '-w', `deployment/web`, '-n', space)
    expect(unlocked.code).toBe(0)
    await notify('web', '1.1.0')
    await until('automation has taken the newest of its policy', () => isLive('1.1.0'), { logFile: capstan.logFile })
    const text = await file('web.yaml')
    expect(text).not.toContain('locked')
    const added = /^ {4}fluxcd\.io\/(?:automated|tag\..*): .*\n/gm
    expect(text.replaceAll(added, '')).toBe(before.replace('1.0.1', '1.1.0'))
  })

  it('shows for every tag the rule that took or refused it', async () => {
    const { code, stdout } = await capstan.cli('images', web, '--all')
    expect(code).toBe(0)
    expect(stdout).toMatch(/->\* +1\.1\.0 .* highest of 3 tags for semver:~1/)
    expect(stdout).toMatch(/ {3}2\.0\.0 .* does not match semver:~1/)
    const json = JSON.parse((await capstan.cli('images', '-o', 'json')).stdout) as { images: { id: string }[] }
    expect(json.images.map((one) => one.id).toSorted()).toEqual([web, `${space}:helmrelease/chart`])
    const gone = await capstan.cli('images', `${space}:deployment/gone`)
    expect(gone.code).toBe(4)
  })

  it("follows a HelmRelease's image in its values", async () => {
    await push('chart', '1.0.5')
    await notify('chart', '1.0.5')
    await until('it is in git', async () => (await file('chart.yaml')) === release('1.0.5'), {
      logFile: capstan.logFile,
    })
  })

  it('tries a policy on the tags of an image, and refuses one that cannot be read', async () => {
    const tried = await capstan.cli('policy', 'test', 'semver:~1.0', '--image', image)
    expect([tried.code, tried.stdout]).toEqual([
      0,
      expect.stringMatching(/\* +1\.0\.1 .* highest of 2 tags for semver:~1\.0/),
    ])
    const wrong = await capstan.cli('policy', '-w', web, '--tag-all', 'semver:oops')
    expect([wrong.code, wrong.stderr]).toEqual([64, expect.stringContaining('invalid tag pattern')])
    const none = await capstan.cli('policy', 'test', 'semver:~7', '--image', image)
    expect(none.code).toBe(1)
  })

  it.each([
    [['release', '--all'], 'exactly one of --update-image'],
    [['release', '--update-all-images'], 'Give --all, or at least one --workload'],
    [['lock', '-w', 'web'], 'is no workload'],
    [['policy', '-w', web], 'Say what to change'],
    [['policy', '-w', web, '--tag', 'x'], 'container=filter'],
  ])('%j is wrong usage', async (args, message) => {
    const { code, stderr } = await capstan.cli(...args)
    expect([code, stderr]).toEqual([64, expect.stringContaining(message)])
  })
})
