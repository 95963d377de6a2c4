import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { until } from '../../playground/stack/until.ts'
import { configMap, deployment } from '../e2e/manifests.ts'
import { createOwnFluxctl, type Fluxctl, patience, rowsOf } from './fluxctl.ts'
import { createFluxWorld, type FluxWorld } from './flux-world.ts'

type Ended = { code: number; stdout: string; stderr?: string }

describe('the program, when it is called fluxctl, and fluxctl 1.25 at the same server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-saved-'))
  let world: FluxWorld
  let [theirs, ours, capstan] = [] as unknown as [Fluxctl, Fluxctl, Fluxctl]
  let web: string

  const manifest = (annotations = '') =>
    deployment('web', world.space, { replicas: 0, image: `${world.image}:1.0.0`, annotations })

  beforeAll(async () => {
    world = await createFluxWorld(({ space, image }) => ({
      'web.yaml': deployment('web', space, {
        replicas: 0,
        image: `${image}:1.0.1`,
        annotations: '    fluxcd.io/automated: "true"\n    fluxcd.io/tag.web: glob:1.0.*\n',
      }),
      'idle.yaml': deployment('idle', space, { replicas: 0, annotations: '    fluxcd.io/locked: "true"\n' }),
      'settings.yaml': configMap('settings', space, 'one <two> & three'),
    }))
    web = `${world.space}:deployment/web`
    theirs = world.fluxctl
    const env = { ...patience, FLUX_URL: `${world.capstan.url}/api/flux`, FLUX_SERVICE_TOKEN: world.capstan.token }
    ours = createOwnFluxctl(env)
    capstan = createOwnFluxctl(env, 'capstan')
    const listed = async () => (await theirs.run('list-images', '-n', world.space)).stdout
    await until('both scans', async () => {
      const shown = await listed()
      return ['20 Mar 22', ' registry.example: '].every((text) => shown.includes(text))
    })
    await until('both workloads are ready', async () => {
      const { stdout } = await theirs.run('list-workloads', '-n', world.space, '--no-headers')
      return rowsOf(stdout).filter(([, , , release]) => release === 'ready').length === 2
    })
  })

  afterAll(async () => {
    ours?.stop()
    capstan?.stop()
    await world?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** How often a rollout is shown before it is over is a matter of time. */
  function lastShown(stdout: string): string {
    const [first, ...rollout] = stdout.split(/^(?=WORKLOAD +CONTAINER )/m)
    return `${first}${rollout.at(-1) ?? ''}`
  }

  /** Commits and IDs of jobs differ from one run to the next. */
  const still = ({ code, stdout, stderr = '' }: Ended) => ({
    code,
    stdout,
    stderr: stderr
      .replaceAll(/(Commit (?:pushed|applied):\t)[0-9a-f]{7}/g, '$1<commit>')
      .replaceAll(/\(ID "[^"]+"\)/g, '<job>'),
  })

  describe('reading', () => {
    it.each([
      'list-workloads -n SPACE',
      'list-workloads -n SPACE --no-headers',
      'list-workloads -n SPACE -c web',
      'list-workloads -n SPACE -c none -o json',
      'list-workloads -n none-such',
      'list-workloads -n none-such -o json',
      'list-controllers -an SPACE -o json',
      'list-images -n SPACE',
      'list-images -n SPACE --no-headers -l 1',
      'list-images -n SPACE -l 0',
      'list-images -n SPACE -o json',
      'list-images -n SPACE -o json -l 1',
      'list-images -n SPACE -o json -l -1',
      'list-images -w SPACE:deployment/web -l 2',
      'list-images -n SPACE -w Deployment/idle',
      'list-images -n SPACE -c deployment/web',
      'list-images -w none-such:deployment/none',
      'identity',
      'identity -l',
      'identity -v',
      'sync',
      'save',
      'save -o FOLDER/none',
      'list-workloads -n SPACE --token wrong',
      'list-workloads -n SPACE --url http://127.0.0.1:3/api/flux',
      'sync --timeout 1ns',
    ])('is the same by `fluxctl %s`', async (line) => {
      const args = line.replaceAll('SPACE', world.space).replaceAll('FOLDER', folder).split(' ')
      expect(still(await ours.run(...args))).toEqual(still(await theirs.run(...args)))
    })

    it('saves the same files', async () => {
      const saved = await Promise.all(
        [theirs, ours].map(async (fluxctl, at) => {
          const path = join(folder, String(at))
          mkdirSync(path)
          const { code, stdout } = await fluxctl.run('save', '-o', path)
          const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) =>
            name.endsWith('.yaml'),
          )
          const files = names.toSorted().map((name) => {
            const text = readFileSync(join(path, name), 'utf8')
            return [name, text.startsWith('---\n'), parseAllDocuments(text).map((one) => one.toJS() as unknown)]
          })
          return { code, stdout: stdout.replaceAll(path, 'FOLDER'), files }
        }),
      )
      expect(saved[1]).toEqual(saved[0])
      expect(saved[0]?.files.length).toBeGreaterThan(2)
    })
  })

  describe('capstan by its own name', () => {
    it.each([
      'list-workloads -n SPACE',
      'list-workloads -n SPACE -c web --no-headers',
      'list-images -n SPACE',
      'list-images -n SPACE -l 1',
      'list-images -w SPACE:deployment/web -o tab --no-headers',
      'release --workload SPACE:deployment/web -i IMAGE:1.0.0 --dry-run -v',
      'release --all --update-all-images --dry-run -vv',
      'save',
    ])('prints the same by `%s`', async (line) => {
      const args = line.replaceAll('SPACE', world.space).replaceAll('IMAGE', world.image).split(' ')
      const [expected, got] = [await theirs.run(...args), await capstan.run(...args)]
      expect([got.code, got.stdout]).toEqual([0, expected.stdout])
    })
  })

  describe('writing', () => {
    beforeEach(async () => {
      await world.repository.git('pull', '-q', '--ff-only', 'origin', 'main')
    })

    /** The same verb from the same beginning, by one program and then by the other. */
    async function both(line: string, annotations = ''): Promise<[Ended, Ended]> {
      const args = line.replaceAll('WEB', web).replaceAll('IMAGE', world.image).split(' ')
      const ended: Ended[] = []
      for (const fluxctl of [theirs, ours]) {
        // an image may be updated by itself meanwhile: then the push is refused, and made anew on top of that
        await until('the manifest is as it was', async () => {
          await world.repository.git('fetch', '-q', 'origin', 'main')
          await world.repository.git('reset', '-q', '--hard', 'origin/main')
          await world.repository.change({ 'deploy/web.yaml': manifest(annotations) })
          return true
        })
        expect(await theirs.run('sync')).toMatchObject({ code: 0 })
        const { code, stdout, stderr } = still(await fluxctl.run(...args))
        await world.repository.git('pull', '-q', '--ff-only', 'origin', 'main')
        const message = await world.repository.git('log', '-1', '--format=%an <%ae>%n%B')
        ended.push({
          code,
          stdout: line.includes('--watch') ? lastShown(stdout) : stdout,
          stderr: `${stderr}${message}${readFileSync(join(world.repository.clone, 'deploy/web.yaml'), 'utf8')}`,
        })
      }
      return ended as [Ended, Ended]
    }

    it.each([
      ['release --workload WEB -i IMAGE:1.0.1', ''],
      ['release --workload WEB --update-image IMAGE:1.0.1 --watch -m because'],
      ['release --workload WEB -i IMAGE:1.0.1 --dry-run -v'],
      ['release --all --update-all-images -vv --user Grace'],
      ['release --workload WEB -i IMAGE:1.0.0'],
      ['release --workload WEB -i IMAGE:9.9.9'],
      ['release --workload WEB -i IMAGE:2.0.0 -f', '    fluxcd.io/locked: "true"\n'],
      ['release -c WEB -i IMAGE:1.0.1'],
      ['policy -w WEB --tag-all semver:~1 --tag web=1.*'],
      ['policy -w WEB --lock --automate -m why --user Grace'],
      ['deautomate -w WEB -v', '    fluxcd.io/automated: "true"\n'],
      ['lock -w WEB -m wait'],
      ['lock -c WEB'],
      ['unlock -w WEB', '    fluxcd.io/locked: "true"\n    fluxcd.io/locked_user: me\n'],
      ['unlock -w WEB -v'],
      ['lock -w none:deployment/none'],
      ['policy -w WEB --tag-all semver:nonsense'],
    ])('is the same by `fluxctl %s`', async (line, annotations = '') => {
      const [expected, got] = await both(line, annotations)
      expect(got).toEqual(expected)
    })

    it.runIf(process.platform === 'linux')(
      'shows the same menu at a terminal, and commits what was chosen',
      async () => {
        const args = ['release', '--all', '-i', `${world.image}:1.0.1`, '--interactive']
        const screens: string[] = []
        for (const fluxctl of [theirs, ours]) {
          await world.repository.git('pull', '-q', '--ff-only', 'origin', 'main')
          await world.repository.change({ 'deploy/web.yaml': manifest() })
          expect(await theirs.run('sync')).toMatchObject({ code: 0 })
          const { code, stdout } = await fluxctl.choose('\r', ...args)
          screens.push(`${code} ${stdout.replaceAll(/(Commit \w+:\t)[0-9a-f]{7}/g, '$1<commit>')}`)
          await world.repository.git('pull', '-q', '--ff-only', 'origin', 'main')
          expect(readFileSync(join(world.repository.clone, 'deploy/web.yaml'), 'utf8')).toContain(':1.0.1')
        }
        expect(screens[1]).toBe(screens[0])
        expect(screens[1]).toContain('⇒ ◉')
      },
    )

    it.runIf(process.platform === 'linux')('ends the menu with q, and does nothing', async () => {
      const args = ['release', '--all', '--update-all-images', '--interactive']
      await world.repository.change({ 'deploy/web.yaml': manifest() })
      expect(await theirs.run('sync')).toMatchObject({ code: 0 })
      const [expected, got] = [await theirs.choose('q', ...args), await ours.choose('q', ...args)]
      expect(got).toEqual(expected)
      expect(got.stdout).toContain('Aborted.')
    })

    it('automates as fluxctl does, which updates the image at once', async () => {
      const [expected, got] = await both('automate -w WEB')
      const printed = ({ code, stdout, stderr = '' }: Ended) => [code, stdout, stderr.split('\n')[0]]
      expect(printed(got)).toEqual(printed(expected))
      expect(got.stderr).toContain("fluxcd.io/automated: 'true'")
    })
  })
})
