import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { deployment } from '../e2e/manifests.ts'
import { rowsOf, user } from './fluxctl.ts'
import { createFluxWorld, type FluxWorld } from './flux-world.ts'

const header = ['WORKLOAD', 'STATUS', 'UPDATES']

describe('what an unmodified fluxctl 1.25 changes in git', () => {
  let world: FluxWorld
  let [web, other] = ['', '']
  let before = ''

  const run = async (...args: string[]) => await world.fluxctl.run(...args)
  const file = (name: string) => readFileSync(join(world.repository.clone, 'deploy', name), 'utf8')
  const head = async (): Promise<string> => {
    await world.repository.git('pull', '-q', '--ff-only', 'origin', 'main')
    return await world.repository.git('rev-parse', 'HEAD')
  }
  const message = async () => await world.repository.git('log', '-1', '--format=%B')
  const seven = (commit: string) => commit.slice(0, 7)
  const imageInCluster = async (name: string) =>
    await kubectl('get', 'deployment', name, '-n', world.space, '-o', 'jsonpath={..image}')

  beforeAll(async () => {
    world = await createFluxWorld(({ space, image }) => ({
      'web.yaml': deployment('web', space, { replicas: 0, image: `${image}:1.0.0` }),
      'other.yaml': deployment('other', space, { replicas: 0, image: `${image}:1.0.0` }),
      'idle.yaml': deployment('idle', space, { replicas: 0 }),
    }))
    web = `${world.space}:deployment/web`
    other = `${world.space}:deployment/other`
  })
  afterAll(async () => await world?.stop())

  /** Back to what every test begins with, and applied. */
  beforeEach(async () => {
    await head()
    const { space, image, repository } = world
    await repository.change({
      'deploy/web.yaml': deployment('web', space, { replicas: 0, image: `${image}:1.0.0` }),
      'deploy/other.yaml': deployment('other', space, { replicas: 0, image: `${image}:1.0.0` }),
    })
    expect(await run('sync')).toMatchObject({ code: 0 })
    before = await head()
  })

  describe('release', () => {
    it('commits, waits until that is applied, and prints what it updated', async () => {
      const { code, stdout, stderr } = await run('release', '--workload', web, '-i', `${world.image}:1.0.1`)
      const commit = await head()
      expect(commit).not.toBe(before)
      expect([code, rowsOf(stdout), stderr]).toEqual([
        0,
        [header, [web, 'success', `web: ${world.image}:1.0.0 -> 1.0.1`]],
        `Submitting release ...\nCommit pushed:\t${seven(commit)}\nCommit applied:\t${seven(commit)}\n`,
      ])
      expect(file('web.yaml')).toContain(`image: ${world.image}:1.0.1 # kept by Capstan`)
      expect(await imageInCluster('web')).toBe(`${world.image}:1.0.1`)
      expect(await message()).toBe(`Release ${world.image}:1.0.1 to ${web}`)
      await world.repository.git('fetch', '-q', 'origin', 'refs/notes/*:refs/notes/*')
      const note = JSON.parse(await world.repository.git('notes', '--ref=flux', 'show', commit))
      expect(note).toMatchObject({
        spec: { type: 'image', cause: { Message: '', User: user }, spec: { Kind: 'execute', Excludes: [] } },
        result: { [web]: { Status: 'success', PerContainer: [{ Container: 'web', Target: `${world.image}:1.0.1` }] } },
      })
      const status = await (await world.api(`/v6/jobs?id=${note.jobID}`)).json()
      expect(status).toEqual({
        Result: { revision: commit, spec: note.spec, result: note.result },
        Err: '',
        StatusString: 'succeeded',
      })
    })

    it('as a dry run commits nothing and prints the same', async () => {
      const args = ['release', '--workload', `deployment/web`, '-n', world.space, '-i', `${world.image}:1.0.1`]
      const { code, stdout, stderr } = await run(...args, '--dry-run')
      expect([code, rowsOf(stdout), stderr]).toEqual([
        0,
        [header, [web, 'success', `web: ${world.image}:1.0.0 -> 1.0.1`]],
        'Submitting dry-run release ...\n',
      ])
      expect(await head()).toBe(before)
    })

    it('of all images to all workloads leaves out what is excluded, and tells more with -vv', async () => {
      const args = ['release', '--all', '--update-all-images', '--exclude', other, '-m', 'the newest for all']
      const { code, stdout } = await run(...args, '-vv')
      expect(code).toBe(0)
      expect(rowsOf(stdout)).toEqual([
        header,
        [`${world.space}:deployment/idle`, 'skipped', expect.stringContaining('cannot find one or more images')],
        [other, 'ignored', 'excluded'],
        [web, 'success', `web: ${world.image}:1.0.0 -> 2.0.0`],
      ])
      await head()
      expect(file('web.yaml')).toContain(':2.0.0')
      expect(file('other.yaml')).toContain(':1.0.0')
      expect(await message()).toBe('the newest for all')
    })

    it('of what is so already is no commit, no error, and says why (#1882)', async () => {
      const args = ['release', '--workload', web, '-i', `${world.image}:1.0.0`]
      expect(await run(...args)).toMatchObject({ code: 0, stderr: 'Submitting release ...\n' })
      const { stdout } = await run(...args, '-v')
      expect(rowsOf(stdout)).toEqual([header, [web, 'skipped', 'image(s) up to date']])
      expect(await head()).toBe(before)
    })

    it('passes a lock and a tag filter with --force alone', async () => {
      await run('lock', '-w', web)
      await run('policy', '-w', web, '--tag', 'web=1.0.*')
      before = await head()
      const args = ['release', '--workload', web, '-i', `${world.image}:2.0.0`]
      const { code, stdout } = await run(...args, '-v')
      expect([code, rowsOf(stdout)]).toEqual([0, [header, [web, 'skipped', 'locked']]])
      expect(await head()).toBe(before)
      expect(rowsOf((await run(...args, '--force')).stdout)).toEqual([
        header,
        [web, 'success', `web: ${world.image}:1.0.0 -> 2.0.0`],
      ])
      expect(await head()).not.toBe(before)
      expect(file('web.yaml')).toMatch(/fluxcd\.io\/locked: 'true'[^]*:2\.0\.0/)
    })

    it('of an image that does not exist is an error', async () => {
      const { code, stderr } = await run('release', '--workload', web, '-i', `${world.image}:9.9.9`)
      expect([code, stderr]).toEqual([
        1,
        [
          'Submitting release ...',
          `Error: image ${world.image}:9.9.9 does not exist: invalid image ID`,
          "Run 'fluxctl release --help' for usage.\n",
        ].join('\n'),
      ])
      expect(await head()).toBe(before)
    })

    it('of a workload that git does not have says so', async () => {
      const none = `${world.space}:deployment/none`
      const { code, stdout } = await run('release', '--workload', none, '-i', `${world.image}:1.0.1`, '-v')
      expect([code, rowsOf(stdout)]).toEqual([0, [header, [none, 'skipped', 'not found in repository']]])
    })

    it('is applied though another object is refused', async () => {
      await world.repository.change({ 'deploy/bad.yaml': deployment('Not_A_Name', world.space) })
      const { code, stderr } = await run('release', '--workload', web, '-i', `${world.image}:1.0.1`)
      expect([code, stderr]).toEqual([0, expect.stringContaining(`Commit applied:\t${seven(await head())}`)])
      expect(await imageInCluster('web')).toBe(`${world.image}:1.0.1`)
      await world.repository.change({ 'deploy/bad.yaml': undefined })
    })

    it('is not applied while a file cannot be read, and is when that is mended', async () => {
      await world.repository.change({ 'deploy/bad.yaml': 'kind: [\n' })
      const args = ['release', '--workload', web, '-i', `${world.image}:1.0.1`]
      // enough for the job, and for some rounds of its questions
      const { stderr } = await run(...args, '--timeout=30s')
      const commit = await head()
      expect(stderr).toContain(`Commit pushed:\t${seven(commit)}`)
      expect(stderr).not.toContain('Commit applied')
      expect(stderr).toContain('we timed out waiting for the commit to be')
      const source = async () =>
        (await world.capstan.api<{ sources: { attempted: string }[] }>('/api/v1/sources')).sources[0]
      await until('it was tried', async () => (await source())?.attempted === `main@${commit}`)
      expect(await (await world.api(`/v6/sync?ref=${commit}`)).json()).toEqual([commit])
      await world.repository.change({ 'deploy/bad.yaml': undefined })
      expect(await run('sync')).toMatchObject({ code: 0 })
      expect(await (await world.api(`/v6/sync?ref=${commit}`)).json()).toEqual([])
    })

    it('watches until what it released is ready', async () => {
      const { code, stdout, stderr } = await run('release', '--workload', web, '-i', `${world.image}:1.0.1`, '--watch')
      expect(code).toBe(0)
      expect(rowsOf(stdout)).toContainEqual([web, 'web', `${world.image}:1.0.1`, 'ready', '0/0'])
      expect(stderr).toMatch(/Monitoring rollout \.\.\.\nAll workloads ready\.\n$/)
    })

    it.runIf(process.platform === 'linux')('of what was chosen in the menu commits that alone', async () => {
      const args = ['release', '--all', '-i', `${world.image}:1.0.1`, '--exclude', other, '--interactive']
      const { code, stdout } = await world.fluxctl.choose('\r', ...args)
      expect(code).toBe(0)
      expect(stdout).toContain('Submitting selected release ...')
      const commit = await head()
      expect(stdout).toContain(`Commit pushed:\t${seven(commit)}`)
      expect(await message()).toBe(`Update image refs in ${web}\n\n${web}\n- ${world.image}:1.0.1`)
      expect(file('web.yaml')).toContain(':1.0.1')
      expect(file('other.yaml')).toContain(':1.0.0')
    })

    it('of chosen containers is refused where they have another image by now', async () => {
      const spec = {
        Kind: 'execute',
        ContainerSpecs: {
          [web]: [{ Container: 'web', Current: `${world.image}:2.0.0`, Target: `${world.image}:1.0.1` }],
        },
        SkipMismatches: false,
        Force: false,
      }
      const body = JSON.stringify({ type: 'containers', cause: { Message: '', User: '' }, spec })
      const id = await (await world.api('/v9/update-manifests', { method: 'POST', body })).json()
      const status = async () =>
        (await (await world.api(`/v6/jobs?id=${String(id)}`)).json()) as { StatusString: string }
      await until('its end', async () => (await status()).StatusString === 'failed')
      expect(await status()).toMatchObject({
        Result: { spec: { type: 'containers', spec } },
        Err: `cannot satisfy specs: ${web}: container(s) tag mismatch: web`,
      })
      expect(await head()).toBe(before)
    })
  })

  describe('policies', () => {
    const changed = (id: string) => [header, [id, 'success']]

    it('automates, which updates the image at once, and deautomates', async () => {
      const { code, stdout, stderr } = await run('automate', '-w', web)
      expect([code, rowsOf(stdout)]).toEqual([0, changed(web)])
      await world.repository.git('fetch', '-q', 'origin')
      const commit = stderr.replace(/^Commit pushed:\t(.{7})\n$/, '$1')
      expect(await world.repository.git('log', '-1', '--format=%B', commit)).toBe(`Automated: ${web}`)
      await until('the image', async () => (await imageInCluster('web')) === `${world.image}:2.0.0`)
      await head()
      expect(file('web.yaml')).toMatch(/fluxcd\.io\/automated: 'true'[^]*:2\.0\.0/)
      expect(await message()).toBe(`Auto-release ${world.image}:2.0.0`)
      expect(rowsOf((await run('deautomate', '-w', web)).stdout)).toEqual(changed(web))
      await head()
      expect(file('web.yaml')).not.toContain('annotations')
      expect(await message()).toBe(`Deautomated: ${web}`)
    })

    it('locks with who and why, which is listed, and unlocks', async () => {
      const { code, stdout } = await run('lock', '-w', web, '-m', 'a = "b": wait')
      expect([code, rowsOf(stdout)]).toEqual([0, changed(web)])
      await head()
      expect(await message()).toBe(`a = "b": wait\n\n- Locked: ${web}`)
      await run('sync')
      expect(rowsOf((await run('list-workloads', '-n', world.space)).stdout)).toContainEqual(
        expect.arrayContaining([web, 'locked']),
      )
      const annotations = JSON.parse(await kubectl('get', 'deploy', 'web', '-n', world.space, '-o', 'json')).metadata
        .annotations
      expect(annotations).toMatchObject({
        'fluxcd.io/locked': 'true',
        'fluxcd.io/locked_user': user,
        'fluxcd.io/locked_msg': 'a = "b": wait',
      })
      expect(rowsOf((await run('unlock', '-w', web)).stdout)).toEqual(changed(web))
      await head()
      expect(file('web.yaml')).not.toContain('locked')
      expect(await message()).toBe(`Unlocked: ${web}`)
    })

    it('sets tag filters for all containers and for one, and takes them away', async () => {
      await run('policy', '-w', web, '--tag-all', 'semver:~1.0')
      await head()
      expect(file('web.yaml')).toContain('fluxcd.io/tag.web: semver:~1.0')
      expect(await message()).toBe(`Updated policies: ${web}`)
      await run('policy', '-w', web, '--tag', 'web=2.*', '--automate')
      expect(rowsOf((await run('policy', '-w', web, '--tag', 'web=*', '--deautomate')).stdout)).toEqual(changed(web))
      await head()
      expect(file('web.yaml')).not.toContain('annotations')
    })

    it('that are so already are no commit', async () => {
      const { code, stdout, stderr } = await run('unlock', '-w', web, '-v')
      expect([code, rowsOf(stdout), stderr]).toEqual([0, [header, [web, 'skipped']], ''])
      expect(await head()).toBe(before)
    })

    it('of a workload that git does not have are an error', async () => {
      const none = `${world.space}:deployment/none`
      const { code, stderr } = await run('lock', '-w', none)
      expect([code, stderr]).toEqual([1, expect.stringContaining(`Error: ${none} failed: not found in repository`)])
    })

    it('with a wrong pattern are refused before anything is done', async () => {
      const { code, stderr } = await run('policy', '-w', web, '--tag-all', 'semver:no version')
      expect(code).toBe(1)
      expect(stderr).toMatch(/^== Error ==\n\ninvalid tag pattern: 'semver:no version'/)
    })
  })
})
