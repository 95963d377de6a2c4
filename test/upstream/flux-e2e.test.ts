import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { createFluxctl, type Fluxctl } from '../api/fluxctl.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { kubectl, read } from '../e2e/kubectl.ts'
import { launchAgent } from '../gpg/workshop.ts'
import { pushImage } from '../registry/push-image.ts'
import { stack } from '../stack/stack.ts'
import { fleet, production } from './fleet.ts'
import { createSshRepository, type SshRepository } from './ssh-repository.ts'

/**
 * What fluxd's own end-to-end suite looks for (test/e2e of fluxcd/flux), with its flags and the real fluxctl 1.25. The rest of it:
 * the chart, test/packaging/chart.test.ts; fluxctl install, fluxctl-install.test.ts; the key that is made, test/api/fluxctl-identity.test.ts.
 */

type World = { space: string; podinfo: string; repository: SshRepository; capstan: Capstan; fluxctl: Fluxctl }
type Given = { flags: string[]; files?: (space: string) => Record<string, string>; signedBy?: Signer; hasKey?: boolean }

let giveBack: (() => Promise<unknown> | void)[] = []
async function giveAllBack(): Promise<void> {
  const all = giveBack.toReversed()
  giveBack = []
  for (const give of all) await give()
}

beforeAll(async () => {
  // releases are not run here, so nobody installs their definition
  const definition = fileURLToPath(new URL('../../charts/capstan/crds/helmrelease.yaml', import.meta.url))
  await kubectl('apply', '--server-side', '--force-conflicts', '--field-manager=capstan', '-f', definition)
  await kubectl('wait', '--for=condition=Established', 'crd/helmreleases.helm.fluxcd.io', '--timeout=120s')
})

async function start({ flags, files, signedBy, hasKey = true }: Given): Promise<World> {
  const space = `demo-${randomBytes(3).toString('hex')}`
  const repository = await createSshRepository({ env: signedBy?.env ?? {}, isKnown: hasKey })
  giveBack.push(() => repository.stop())
  await repository.push(files?.(space) ?? fleet(space, 'registry.example'), signedBy?.signs ? ['-S'] : [])
  const capstan = await startCapstan([
    '--memcached-service=',
    ...repository.flags,
    '--git-branch=master',
    '--git-label=flux',
    '--git-user=Flux',
    '--git-email=foo',
    '--git-poll-interval=10s',
    '--sync-interval=10s',
    '--enable=sync,images',
    `--k8s-allow-namespace=${space}`,
    ...flags,
  ])
  const fluxctl = createFluxctl({ FLUX_URL: `${capstan.url}/api/flux`, FLUX_SERVICE_TOKEN: capstan.token })
  giveBack.push(
    () => capstan.stop(),
    () => fluxctl.stop(),
    async () => await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false'),
  )
  return { space, podinfo: `--workload=${space}:deployment/podinfo`, repository, capstan, fluxctl }
}

const workload = 'workloads/podinfo-dep.yaml'
const logOf = ({ capstan }: World) => readFileSync(capstan.logFile, 'utf8')

async function imageOf({ space }: World): Promise<string | undefined> {
  type Spec = { template: { spec: { containers: { image: string }[] } } }
  const object = await read('deployment', space, 'podinfo')
  return (object?.spec as Spec | undefined)?.template.spec.containers[0]?.image
}

async function hasTag({ repository, capstan }: World, commit: string): Promise<void> {
  const { logFile } = capstan
  await until(`the tag is at ${commit}`, async () => (await repository.tagged('flux')) === commit, { logFile })
}

/** As long as fluxctl says no, since Capstan may not be ready yet. */
async function accepted({ fluxctl, capstan }: World, ...args: string[]): Promise<string> {
  const { logFile } = capstan
  const run = async () => {
    const { code, stdout, stderr } = await fluxctl.run(...args)
    if (code !== 0) throw new Error(stderr)
    return `${stdout}${stderr}`
  }
  return await until(`fluxctl ${args.join(' ')}`, run, { logFile })
}

describe('a repository that is followed', () => {
  let world: World
  beforeAll(async () => {
    world = await start({ flags: ['--registry-disable-scanning', '--sync-garbage-collection'] })
  })
  afterAll(giveAllBack)

  it('is applied, and the tag moves to each commit', async () => {
    const { repository } = world
    await until('podinfo', async () => await imageOf(world))
    await hasTag(world, await repository.git('rev-parse', 'HEAD'))
    const text = (await repository.file(workload)).replace('podinfo:3.1.0', 'podinfo:3.1.5')
    const commit = await repository.push({ [workload]: text })
    await until('the image', async () => (await imageOf(world))?.endsWith('podinfo:3.1.5'))
    await hasTag(world, commit)
  })

  it.each<[string, string, boolean]>([
    ['deautomate', 'fluxcd.io/automated', false],
    ['automate', "fluxcd.io/automated: 'true'", true],
    ['policy --deautomate', 'fluxcd.io/automated', false],
    ['policy --automate', "fluxcd.io/automated: 'true'", true],
    ['lock', "fluxcd.io/locked: 'true'", true],
    ['unlock', 'fluxcd.io/locked', false],
    ['policy --tag=podinfod=3.5.*', 'fluxcd.io/tag.podinfod: glob:3.5.*', true],
  ])('has the policies of fluxctl %s, where no registry is scanned', async (args, text, isThere) => {
    const ended = await world.fluxctl.run(...args.split(' '), world.podinfo)
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^Commit pushed:/) })
    expect((await world.repository.file(workload)).includes(text)).toBe(isThere)
  })

  it('is not applied where something is defined twice, and the tag stays', async () => {
    const { repository, space } = world
    await accepted(world, 'sync')
    const before = await repository.tagged('flux')
    const text = (await repository.file(workload)).replace('podinfo:3.1.5', 'podinfo:3.1.6')
    await repository.push({ [workload]: text, 'workloads/podinfo-dep-2.yaml': text })
    const message = `duplicate definition of '${space}:deployment/podinfo'`
    await until('the log says it', async () => logOf(world).includes(message))
    expect(await imageOf(world)).toMatch(/podinfo:3\.1\.5$/)
    expect(await repository.tagged('flux')).toBe(before)
    await repository.push({ [workload]: text.replace('3.1.6', '3.1.5'), 'workloads/podinfo-dep-2.yaml': undefined })
  })

  it('loses an object, and the cluster does', async () => {
    await accepted(world, 'sync')
    const commit = await world.repository.push({ [workload]: undefined })
    expect(await world.fluxctl.run('sync')).toMatchObject({ code: 0 })
    await until('it is gone', async () => (await imageOf(world)) === undefined)
    await hasTag(world, commit)
  })
})

describe('images', () => {
  const { registry } = stack()
  const path = `e2e-${randomBytes(3).toString('hex')}`
  const [app, ghost] = [`${path}/stefanprodan/podinfo`, `${path}/bitnami/ghost`]
  const releaseFile = 'releases/ghost.yaml'
  let world: World

  const push = async (name: string, tag: string, date: string) =>
    await pushImage(registry, name, tag, { created: `${date}T13:53:05.47178071Z`, type: 'docker' })
  const updated = async (name: string, from = 0) =>
    await until(
      `the log tells of ${name}`,
      async () => logOf(world).slice(from).includes(`component=warmer updated=${registry}/${name}`),
      { logFile: world.capstan.logFile },
    )
  const holds = async (file: string, text: string) =>
    await until(`${file} has ${text}`, async () => (await world.repository.file(file)).includes(text), {
      logFile: world.capstan.logFile,
    })

  beforeAll(async () => {
    await push(ghost, '3.0.2-debian-9-r3', '2020-01-20')
    await push(ghost, '3.1.1-debian-9-r0', '2020-02-20')
    await push(app, '3.1.0', '2020-03-20')
    await push(app, '3.0.5', '2020-04-20')
    world = await start({
      files: (space) => fleet(space, `${registry}/${path}`),
      flags: [
        '--registry-disable-scanning=false',
        '--registry-exclude-image=*bitnami/mongodb,*bitnami/redis,*alpine',
        `--registry-insecure-host=${registry}`,
        '--automation-interval=5s',
      ],
    })
  })
  afterAll(giveAllBack)

  it('are listed with their times once the log has told of them', async () => {
    await accepted(world, 'lock', world.podinfo)
    for (const name of [app, ghost]) await updated(name)
    const lines = async (verb: string) => {
      const { stdout } = await world.fluxctl.run(verb, '--no-headers', '-n', world.space)
      const short = (text: string) => text.replaceAll(`${world.space}:`, '').replaceAll(`${registry}/${path}/`, '')
      return stdout
        .trimEnd()
        .split('\n')
        .map((line) => short(line).trim().replace(/ {2,}/g, ' | '))
    }
    // a question waits a few seconds at most for the registry
    const images = async () => await lines('list-images')
    await expect
      .poll(images, { timeout: 120_000 })
      .toEqual([
        'deployment/podinfo | podinfod | stefanprodan/podinfo',
        "'-> 3.1.0 | 20 Mar 20 13:53 UTC",
        '3.0.5 | 20 Apr 20 13:53 UTC',
        'init | image data not available',
        "'-> (untagged) | ?",
        'helmrelease/ghost | chart-image | bitnami/ghost',
        "'-> 3.1.1-debian-9-r0 | 20 Feb 20 13:53 UTC",
        '3.0.2-debian-9-r3 | 20 Jan 20 13:53 UTC',
        'helmrelease/mongodb | chart-image | image data not available',
        "'-> (untagged) | ?",
        'helmrelease/redis | chart-image | image data not available',
        "'-> (untagged) | ?",
      ])
    await expect
      .poll(async () => await lines('list-workloads'), { timeout: 120_000 })
      .toEqual([
        expect.stringMatching(
          /^deployment\/podinfo \| podinfod \| stefanprodan\/podinfo:3\.1\.0 \| \w+ \| automated,locked$/,
        ),
        'init | alpine:3.10.1',
        'helmrelease/ghost | chart-image | bitnami/ghost:3.1.1-debian-9-r0',
        'helmrelease/mongodb | chart-image | bitnami/mongodb:4.0.13',
        'helmrelease/redis | chart-image | bitnami/redis:5.0.7 | automated,locked',
      ])
  })

  it('are released by force, held by a lock, and updated by their filters', async () => {
    const { fluxctl, podinfo, space } = world
    const ghosts = `--workload=${space}:helmrelease/ghost`
    const run = async (...args: string[]) => expect(await fluxctl.run(...args)).toMatchObject({ code: 0 })
    const image = (name: string) => `--update-image=${registry}/${name}`
    await run('deautomate', podinfo)
    await run('unlock', podinfo)
    await run('release', '--force', podinfo, `${image(app)}:3.0.5`)
    await holds(workload, 'podinfo:3.0.5')
    await run('release', '--force', ghosts, `${image(ghost)}:3.0.2-debian-9-r3`)
    await holds(releaseFile, '3.0.2-debian-9-r3')
    await run('lock', ghosts)
    await run('automate', ghosts)
    await run('automate', podinfo)
    await holds(workload, 'podinfo:3.1.0')
    expect(await world.repository.file(releaseFile)).toContain('3.0.2-debian-9-r3')
    await run('unlock', ghosts)
    await holds(releaseFile, '3.1.1-debian-9-r0')

    await run('deautomate', podinfo)
    const from = logOf(world).length
    await push(app, '3.1.5', '2020-12-20')
    await updated(app, from)
    await run('release', '--force', podinfo, '--update-all-images')
    await holds(workload, 'podinfo:3.1.5')
  })
})

type Signer = { env: Record<string, string>; flags: string[]; signs: boolean }

/** A key of somebody's keyring, mounted as a Secret is: with links. */
function makeSigner({ signs }: { signs: boolean }): Signer {
  const home = mkdtempSync(join(tmpdir(), 'cg-'))
  const env = { GNUPGHOME: home }
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--batch', '--quiet', '--no-tty', ...args], { env: { ...process.env, ...env } })
  giveBack.push(() => {
    execFileSync('gpgconf', ['--kill', 'gpg-agent'], { env: { ...process.env, ...env } })
    rmSync(home, { recursive: true, force: true })
  })
  launchAgent(home)
  gpg('--passphrase', '', '--quick-generate-key', 'Foo <foo@example.com>', 'rsa2048', 'sign', 'never')
  const id = /^sec:(?:[^:]*:){3}([0-9A-F]{16}):/m.exec(gpg('--list-secret-keys', '--with-colons').toString())?.[1] ?? ''
  const mount = join(home, 'private')
  mkdirSync(join(mount, '..2026_11_22'), { recursive: true })
  writeFileSync(join(mount, '..2026_11_22', 'flux.asc'), gpg('--export-secret-keys', id), { mode: 0o400 })
  symlinkSync('..2026_11_22', join(mount, '..data'))
  symlinkSync('..data/flux.asc', join(mount, 'flux.asc'))
  const flags = ['--registry-disable-scanning', `--git-signing-key=${id}`, `--git-gpg-key-import=${mount}`]
  return { env, flags, signs }
}

describe('with a key', () => {
  afterEach(giveAllBack)

  it('the tag and commits are signed', async () => {
    const signer = makeSigner({ signs: false })
    const world = await start({ flags: [...signer.flags, '--git-verify-signatures=false'], signedBy: signer })
    const { repository, podinfo } = world
    await hasTag(world, await repository.git('rev-parse', 'HEAD'))
    await repository.git('fetch', '-q', '--force', 'origin', 'refs/tags/flux:refs/tags/flux')
    await repository.git('verify-tag', '--raw', 'flux')
    await accepted(world, 'lock', podinfo)
    await repository.git('fetch', '-q', 'origin', 'master')
    await repository.git('verify-commit', '--raw', 'FETCH_HEAD')
  })

  it('commits are verified: what is not signed is not applied, and the tag goes back to what is', async () => {
    const signer = makeSigner({ signs: true })
    const world = await start({ flags: [...signer.flags, '--git-verify-signatures=true'], signedBy: signer })
    const { repository, fluxctl } = world
    const good = await repository.git('rev-parse', 'HEAD')
    await hasTag(world, good)
    const text = (await repository.file(workload)).replace('podinfo:3.1.0', 'podinfo:3.1.5')
    await repository.push({ [workload]: text })
    await repository.git('push', '-q', '--delete', 'origin', 'flux')
    const { code, stderr } = await fluxctl.run('sync')
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('Warning: The branch HEAD in the git repo is not verified'),
    ])
    expect([await repository.tagged('flux'), await imageOf(world)]).toEqual([good, expect.stringMatching(/:3\.1\.0$/)])
  })

  it('nothing is committed on top of what is not signed', async () => {
    const signer = makeSigner({ signs: false })
    const world = await start({ flags: [...signer.flags, '--git-verify-signatures=true'], signedBy: signer })
    await until('the log says it', async () => logOf(world).includes('found invalid GPG signature for commit'))
    const { code, stderr } = await world.fluxctl.run('lock', world.podinfo)
    expect([code, stderr]).toEqual([1, expect.stringContaining('Error: HEAD revision is unsigned')])
  })
})

describe('without a key', () => {
  afterEach(giveAllBack)

  it('outside a cluster there is no identity, and the given known hosts are known nevertheless', async () => {
    const world = await start({ flags: ['--registry-disable-scanning'], hasKey: false })
    expect(await world.fluxctl.run('identity')).toMatchObject({ code: 0, stdout: '' })
    const why = async () => (await world.fluxctl.run('sync')).stderr
    await expect.poll(why, { timeout: 120_000 }).toMatch(/Full error message: /)
    expect(await why()).not.toContain('is not known')
  })
})

describe('without a poll', () => {
  afterEach(giveAllBack)

  it('fluxctl sync is enough, and fluxctl automate writes into the patch of what is generated', async () => {
    const flags = ['--git-poll-interval=525600m', '--sync-interval=525600m', '--registry-disable-scanning']
    const generation = ['--manifest-generation', '--git-path=production']
    const world = await start({ files: production, flags: [...flags, ...generation] })
    await accepted(world, 'sync')
    expect((await read('hpa', world.space, 'podinfo'))?.spec).toMatchObject({ minReplicas: 2 })
    await hasTag(world, await world.repository.git('rev-parse', 'HEAD'))
    await accepted(world, 'automate', '-n', world.space, '--workload', 'deployment/podinfo')
    const rows = async () => (await world.fluxctl.run('list-workloads', '-n', world.space)).stdout
    await expect.poll(rows, { timeout: 120_000 }).toMatch(/podinfod.*automated/)
    expect(await world.repository.file('production/flux-patch.yaml')).toContain('fluxcd.io/automated')
  })
})
