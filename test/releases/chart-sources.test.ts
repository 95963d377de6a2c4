import { execFile, execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type ChartRepository, startChartRepository } from '../../playground/stack/chart-repository.ts'
import { which } from '../../playground/tools/on-path.ts'
import { createEgress } from '../../src/adapters/egress/index.ts'
import { createGit } from '../../src/adapters/git/index.ts'
import { createRedactor } from '../../src/adapters/log/index.ts'
import type { ChartSource } from '../../src/domain/release/spec.ts'
import { type ChartDeps, prepareChart } from '../../src/jobs/sync-release/chart.ts'
import { createReleaseMemory } from '../../src/jobs/sync-release/memory.ts'
import { createPrivateFiles } from '../../src/main/private-files.ts'
import { makeNamespace, quiet, realCluster, removeNamespace } from '../cluster/world.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { startSshServer } from '../git/ssh-server.ts'
import { openCharts } from '../helm/world.ts'
import { stack } from '../stack/stack.ts'

const run = promisify(execFile)
const [user, password] = ['ann', 'correct-horse-9']
const signal = new AbortController().signal

describe('the chart of a release', () => {
  const { helm } = stack()
  const cluster = realCluster()
  const directory = mkdtempSync(join(tmpdir(), 'capstan-sources-test-'))
  const egress = createEgress()
  let namespace = ''
  let repository: Repository
  let charts: ChartRepository

  beforeAll(async () => {
    namespace = await makeNamespace(cluster)
    const folder = join(directory, 'library')
    mkdirSync(folder)
    writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: library\nversion: 1.2.3\n')
    charts = await startChartRepository({
      root: join(directory, 'served'),
      helm,
      charts: [folder],
      auth: { user, password },
    })
    repository = await createRepository({ auth: { user, password } })
    const chart = (repo: string) =>
      `apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- {name: library, version: ^1, repository: "${repo}"}\n`
    const old = 'apiVersion: v2\nname: library\nversion: 1.0.1\n'
    await repository.push({
      'app/Chart.yaml': chart(charts.url),
      'app/templates/a.yaml': '',
      'alias/Chart.yaml': chart('@team'),
      'unknown/Chart.yaml': chart('@nobody'),
      'beside/Chart.yaml': chart('file://../library'),
      'library/Chart.yaml': 'apiVersion: v2\nname: library\nversion: 1.9.0\n',
      'vendored/Chart.yaml': chart(charts.url),
      'vendored/charts/library/Chart.yaml': old,
      'locked/Chart.yaml': chart(charts.url),
      'locked/Chart.lock': `dependencies:\n- {name: library, version: 1.0.1, repository: "${charts.url}"}\n`,
      'locked/charts/library/Chart.yaml': old,
      'alone/Chart.yaml': chart('http://127.0.0.1:1'),
      'alone/charts/library/Chart.yaml': old,
      'copied/Chart.yaml': chart('file://../library'),
      'copied/Chart.lock': 'dependencies:\n- {name: library, version: 1.0.1, repository: "file://../library"}\n',
      'copied/charts/library/Chart.yaml': old,
      'orphaned/Chart.yaml': chart('file://../gone'),
      'orphaned/charts/library/Chart.yaml': old,
      'outdated/Chart.yaml': chart('file://../library'),
      'outdated/Chart.lock': 'dependencies:\n- {name: library, version: 0.9.0, repository: "file://../library"}\n',
      'outdated/charts/old/Chart.yaml': 'apiVersion: v2\nname: library\nversion: 0.9.0\n',
      'elder/Chart.yaml': 'apiVersion: v1\nname: elder\nversion: 0.1.0\n',
      'elder/requirements.yaml': `dependencies:\n- {name: library, version: ^1, repository: "${charts.url}"}\n`,
      'half/Chart.yaml': `${chart(charts.url)}- {name: other, version: ^1, repository: "", condition: other.enabled}\n`,
      'half/charts/other/Chart.yaml': 'apiVersion: v2\nname: other\nversion: 1.0.0\n',
      'packed/Chart.yaml': chart(charts.url),
      'packed/charts/something.tgz': 'x',
      'climbing/Chart.yaml': chart('file://../../../etc'),
    })
  })

  afterAll(async () => {
    await removeNamespace(cluster, namespace)
    await cluster.close()
    await egress.close()
    await charts.stop()
    await repository.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  const secret = async (name: string, stringData: Record<string, string>) =>
    await cluster.apply(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData },
      { force: true },
    )

  function open(given: Partial<ChartDeps> = {}): ChartDeps & { fetches: string[] } {
    const fetches: string[] = []
    const git = createGit({ directory: mkdtempSync(join(directory, 'git-')), timeoutMs: 120_000, log: quiet })
    return {
      fetches,
      cluster,
      charts: openCharts({ directory: mkdtempSync(join(directory, 'charts-')), egress }),
      git: { ...git, fetch: (remote, end) => (fetches.push(remote.url), git.fetch(remote, end)) },
      chartRemote: async (url) => ({ url }),
      keep: createPrivateFiles(join(directory, 'kept')),
      githubApp: { login: async () => Promise.reject(new Error('no app here')) },
      fetchedAt: new Map(),
      gitPollIntervalMs: 60_000,
      redactor: createRedactor(),
      now: () => new Date(),
      memory: createReleaseMemory(),
      ...given,
    }
  }
  const library = (pull?: string): ChartSource => ({
    kind: 'repository',
    url: charts.url,
    name: 'library',
    version: '^1',
    ...(pull ? { pullSecret: { namespace, name: pull } } : {}),
  })
  const fromGit = (path: string, given: { secret?: string; pull?: string; url?: string; skip?: boolean } = {}) => ({
    kind: 'git' as const,
    url: given.url ?? repository.url,
    ref: 'main',
    path,
    ...(given.secret ? { secret: { namespace, name: given.secret } } : {}),
    ...(given.pull ? { pullSecret: { namespace, name: given.pull } } : {}),
    skipDependencyUpdate: given.skip ?? false,
  })
  const refused = async (chart: ChartSource, reason: string, message: RegExp, deps = open()) =>
    await expect(prepareChart({ namespace, chart }, deps, signal)).rejects.toMatchObject({
      reason,
      message: expect.stringMatching(message),
    })
  const subcharts = (path: string) =>
    readdirSync(join(path, 'charts')).map((name) => readFileSync(join(path, 'charts', name, 'Chart.yaml'), 'utf8'))

  it.each<[string, () => Record<string, string>]>([
    ['a user and password', () => ({ username: user, password })],
    [
      'a docker config',
      () => ({
        '.dockerconfigjson': JSON.stringify({ auths: { [new URL(charts.url).host]: { username: user, password } } }),
      }),
    ],
    [
      'a repositories.yaml',
      () => ({
        'repositories.yaml': `repositories: [{url: "${charts.url}/", username: ${user}, password: ${password}}]`,
      }),
    ],
  ])('is had with %s in chartPullSecret', async (name, data) => {
    const pull = `pull-${name.at(-1)}`
    await secret(pull, data())
    const deps = open()
    expect(await prepareChart({ namespace, chart: library(pull) }, deps, signal)).toMatchObject({ revision: '1.2.3' })
    expect(deps.redactor.redact(`a ${password} b`)).not.toContain(password)
  })

  it('is not had without the Secret, with a wrong one, or by who only knows the URL', async () => {
    await secret('right', { username: user, password })
    await secret('wrong', { username: user, password: 'not-this-one' })
    await secret('empty', { other: 'x' })
    const deps = open()
    await prepareChart({ namespace, chart: library('right') }, deps, signal)
    await refused(library(), 'ChartAuthFailed', /refused access \(401\)/, deps)
    await refused(library('wrong'), 'ChartAuthFailed', /refused the credentials \(401\)/, deps)
    await refused(library('empty'), 'ChartAuthFailed', /empty cannot be used: it has no repositories.yaml/, deps)
    await refused(library('none'), 'ChartAuthFailed', /none, which chartPullSecret names, does not exist/, deps)
    await secret('wrong', { username: user, password })
    expect(await prepareChart({ namespace, chart: library('wrong') }, deps, signal)).toMatchObject({ name: 'library' })
  })

  it('comes from git with the login of its Secret, and to nobody without it', async () => {
    await secret('git', { username: user, password })
    await secret('pull', { username: user, password })
    const deps = open()
    const found = await prepareChart(
      { namespace, chart: fromGit('app', { secret: 'git', pull: 'pull' }) },
      deps,
      signal,
    )
    expect(found.revision).toMatch(/^[0-9a-f]{40}$/)
    expect(subcharts(found.path)).toEqual([expect.stringContaining('version: 1.2.3')])
    await run(helm, ['template', 'x', found.path])
    await refused(fromGit('app'), 'GitAuthFailed', /./, deps)
    await secret('other', { username: user, password: 'not-this-one' })
    await refused(fromGit('app', { secret: 'other' }), 'GitAuthFailed', /./, deps)
    await refused(fromGit('app', { secret: 'gone' }), 'GitAuthFailed', /does not exist/, deps)
    const chart = { ...fromGit('app'), secret: { namespace: 'elsewhere', name: 'git' } }
    await refused(chart, 'GitAuthFailed', /another namespace/, open({ areTenants: true }))
  })

  it('is fetched once for all releases of a repository', async () => {
    const deps = open({ chartRemote: async (url) => ({ url, auth: { kind: 'basic', username: user, password } }) })
    const paths = ['beside', 'vendored', 'library', 'beside', 'library']
    await Promise.all(paths.map((path) => prepareChart({ namespace, chart: fromGit(path) }, deps, signal)))
    expect(deps.fetches).toEqual([repository.url])
  })

  it('is fetched again for who asked after the last fetch, and for nobody else', async () => {
    let now = 1_000_000
    const deps = open({
      chartRemote: async (url) => ({ url, auth: { kind: 'basic', username: user, password } }),
      now: () => new Date(now),
    })
    const prepare = async (freshAfter?: number) =>
      await prepareChart(
        { namespace, chart: fromGit('library') },
        { ...deps, ...(freshAfter ? { freshAfter } : {}) },
        signal,
      )
    await prepare()
    now += 5_000
    await prepare()
    expect(deps.fetches).toHaveLength(1)
    await prepare(now)
    expect(deps.fetches).toHaveLength(2)
    now += 5_000
    await prepare(now - 5_000)
    await prepare()
    expect(deps.fetches).toHaveLength(2)
  })

  describe('with dependencies', () => {
    const known = {
      access: async (url: string) =>
        url === charts.url ? { username: user, password, tls: {}, everywhere: false } : undefined,
      named: async (name: string) => (name === 'team' ? charts.url : undefined),
    }
    const withKnown = () =>
      open({
        chartRemote: async (url) => ({ url, auth: { kind: 'basic', username: user, password } }),
        charts: openCharts({ directory: mkdtempSync(join(directory, 'charts-')), egress, known }),
      })

    it.each([
      ['a repository that the operator knows', 'app', '1.2.3'],
      ['a repository by the name that the operator gave it', 'alias', '1.2.3'],
      ['beside it', 'beside', '1.9.0'],
      ['beside it, whatever was there before', 'copied', '1.9.0'],
      ['a repository that has a newer one than its own charts/', 'vendored', '1.2.3'],
      ['its own charts/, as its lock says', 'locked', '1.0.1'],
      ['its own charts/ where the repository is away', 'alone', '1.0.1'],
      ['its own charts/ where nothing is beside it', 'orphaned', '1.0.1'],
      ['beside it in place of outdated ones, lock and all', 'outdated', '1.9.0'],
    ])('takes them from %s', async (_where, path, version) => {
      const found = await prepareChart({ namespace, chart: fromGit(path) }, withKnown(), signal)
      expect(subcharts(found.path)).toEqual([expect.stringContaining(`version: ${version}`)])
      await run(helm, ['template', 'x', found.path])
    })

    it('leaves out those that are absent where nothing shall be updated, lock and all', async () => {
      const prepared = async (path: string) =>
        await prepareChart({ namespace, chart: fromGit(path, { skip: true }) }, withKnown(), signal)
      for (const path of ['app', 'outdated', 'elder', 'half']) {
        const found = await prepared(path)
        expect(existsSync(join(found.path, 'charts/library'))).toBe(false)
        await run(helm, ['template', 'x', found.path])
      }
      expect(readFileSync(join((await prepared('vendored')).path, 'Chart.yaml'), 'utf8')).toContain('^1')
      expect(readFileSync(join((await prepared('half')).path, 'Chart.yaml'), 'utf8')).toContain('name: other')
      // what an archive holds is not looked at
      expect(readFileSync(join((await prepared('packed')).path, 'Chart.yaml'), 'utf8')).toContain('library')
    })

    it('says which repository nobody knows, and never leaves the repository', async () => {
      await refused(fromGit('unknown'), 'ChartNotFound', /@nobody of a dependency is not known/, withKnown())
      await refused(fromGit('climbing'), 'PathNotFound', /leaves the repository/, withKnown())
    })
  })

  it('renders what its links lead to inside the repository, and nothing outside (hazard I1)', async () => {
    const secretFile = join(directory, 'outside')
    writeFileSync(secretFile, 'outside: marker-outside\n')
    const own = await createRepository()
    onTestFinished(() => own.stop())
    const everything =
      '{{ toYaml .Values }}\n{{ range $path, $_ := .Files.Glob "**" }}{{ $.Files.Get $path }}\n{{ end }}'
    await own.push({
      'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 0.1.0\n',
      'app/templates/all.yaml': `data: |\n{{ tpl (.Files.Get "all") . | indent 2 }}\n`,
      'app/all': everything,
      'shared/settings/deep.txt': 'marker-inside',
    })
    const out = ['Chart.lock', 'values.yaml', 'values.schema.json', 'crds', 'templates/x.yaml', 'files/x', 'README.md']
    for (const link of out) {
      const path = join(own.clone, 'app', link)
      mkdirSync(dirname(path), { recursive: true })
      symlinkSync(out.indexOf(link) % 2 === 0 ? secretFile : `../../../../../../../..${secretFile}`, path)
    }
    symlinkSync('/', join(own.clone, 'app/root'))
    symlinkSync('.', join(own.clone, 'app/self'))
    symlinkSync('../shared', join(own.clone, 'app/shared'))
    await own.git('add', '-A')
    await own.git('commit', '-qm', 'links')
    await own.git('push', '-q', 'origin', 'HEAD:main')
    const found = await prepareChart({ namespace, chart: fromGit('app', { url: own.url }) }, open(), signal)
    const entries = readdirSync(found.path, { recursive: true, withFileTypes: true })
    expect(entries.filter((entry) => entry.isSymbolicLink())).toEqual([])
    const { stdout } = await run(helm, ['template', 'x', found.path])
    expect(stdout).toContain('marker-inside')
    expect(stdout).not.toContain('marker-outside')
  })

  it.skipIf(which('sshd') === undefined)(
    'comes over ssh with the key and host keys of its Secret, or where that has none as everybody’s',
    async () => {
      const ssh = await startSshServer()
      try {
        const file = join(directory, 'id')
        execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file])
        ssh.authorize(readFileSync(`${file}.pub`, 'utf8'))
        const url = ssh.urlOf(join(repository.server.root, 'repo.git'))
        const hosts = join(directory, 'hosts')
        writeFileSync(hosts, ssh.knownHosts)
        await secret('ssh', { identity: readFileSync(file, 'utf8'), known_hosts: ssh.knownHosts })
        const found = await prepareChart(
          { namespace, chart: fromGit('library', { secret: 'ssh', url }) },
          open(),
          signal,
        )
        expect(found).toMatchObject({ name: 'library', version: '1.9.0' })
        await secret('password', { username: user, password })
        const auth = { kind: 'ssh', privateKeyFile: file, knownHostsFile: hosts } as const
        const withKey = () => open({ chartRemote: async (to) => ({ url: to, isUsers: true, auth }) })
        for (const name of ['password', 'gone']) {
          const chart = fromGit('library', { secret: name, url })
          expect(await prepareChart({ namespace, chart }, withKey(), signal)).toMatchObject({ name: 'library' })
        }
      } finally {
        await ssh.close()
      }
    },
  )
})
