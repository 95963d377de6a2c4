import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type ChartRepository, startChartRepository } from '../../playground/stack/chart-repository.ts'
import { until } from '../../playground/stack/until.ts'
import { type Cluster, createCluster } from '../../src/adapters/cluster/index.ts'
import { createEgress } from '../../src/adapters/egress/index.ts'
import { createCharts, createHelm, decodeStoredRelease } from '../../src/adapters/helm/index.ts'
import { createRedactor } from '../../src/adapters/log/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { createRegistry } from '../../src/adapters/registry/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import type { Outcome } from '../../src/domain/work/job.ts'
import type { SyncReleaseDeps } from '../../src/jobs/sync-release/deps.ts'
import { syncRelease } from '../../src/jobs/sync-release/index.ts'
import type { RunRequest } from '../../src/lib/run.ts'
import { createPrivateFiles } from '../../src/main/private-files.ts'
import { stack } from '../stack/stack.ts'
import { silent } from '../sync/workbench.ts'
import { definitionRef, underOwnGroup, written } from './own-group.ts'

const run = promisify(execFile)

/** One namespace, a chart repository and the job, called directly, with the real helm on the real API server. */
export type ReleaseBench = {
  namespace: string
  /** Of the definitions that this bench made. */
  group: string
  /** What the job works with. */
  deps: SyncReleaseDeps
  cluster: Cluster
  charts: ChartRepository
  /** Puts a chart into the repository. */
  publish(version: string, templates: Record<string, string>, values?: string): Promise<void>
  /** Creates or changes a HelmRelease. Fields of ours become annotations where the definition has none. */
  put(name: string, spec: Record<string, unknown>, annotations?: Record<string, string>): Promise<void>
  get(name: string): Promise<KubeObject | undefined>
  /** Suspends by the field, or where the definition has none by the annotation. */
  suspend(name: string): Promise<void>
  setStatus(name: string, status: Record<string, unknown>): Promise<void>
  /** As `--release-finalizer`. */
  useFinalizer(use: boolean): void
  /** The job's clock goes on by so much. */
  advance(ms: number): void
  /** The job's clock stands, but for `advance`, until the given function is called. */
  stopClock(): () => void
  /** What is installed or uninstalled from now on stands still before helm is asked; `begun` tells that it does. */
  holdHelm(): { begun: Promise<void>; letGo: () => void }
  annotate(name: string, annotations: Record<string, string | null>): Promise<void>
  /** Makes helm's Secret of a revision say that it is in this state, as a run that ended so had left it. */
  setState(release: string, revision: number, state: string, options?: { minutesAgo?: number }): Promise<void>
  /** Files of a commit that every ref of every git repository resolves to. */
  commit(id: string, files: Record<string, string>): void
  /** A helm upgrade by a process of Capstan that is killed with -9 while it waits for a hook. */
  killUpgrade(release: string, version: string): Promise<void>
  /** One run of the job. */
  sync(name: string, options?: { signal?: AbortSignal; reason?: string }): Promise<Outcome>
  /** helm's verbs that were started since the last call. */
  helmRuns(): string[]
  /** Arguments of every helm run so far. */
  arguments(): string[]
  /** Writes to the API server since the last call. */
  writes(): string[]
  helm(...args: string[]): Promise<string>
  /** What a person types, with this version of the chart and this color. */
  byHand(verb: 'install' | 'upgrade', release: string, color: string, version?: string): Promise<string>
  /** Whether the process that ran before is thought dead. */
  close(): Promise<void>
}

export const template = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  color: {{ .Values.color | quote }}
  secret: {{ .Values.secret | default "none" | quote }}
`

/** A hook that is done at once (ConfigMap), or never: no node runs its pod (Job). */
export function hook(when: string, kind: 'ConfigMap' | 'Job'): string {
  const head = `metadata: {name: "{{ .Release.Name }}-hook", annotations: {helm.sh/hook: "${when}"}}`
  if (kind === 'ConfigMap') return `apiVersion: v1\nkind: ConfigMap\n${head}\n`
  const pod = '{nodeName: none, restartPolicy: Never, containers: [{name: a, image: none}]}'
  return `apiVersion: batch/v1\nkind: Job\n${head}\nspec: {suspend: true, template: {spec: ${pod}}}\n`
}

/** The definition of HelmReleases is served under a group of its own, so that no other Capstan of the same test run works on these. */
export async function createReleaseBench(): Promise<ReleaseBench> {
  const { kubeconfig, helm: binary, registry: registryHost } = stack()
  const id = randomBytes(4).toString('hex')
  const namespace = `rel-${id}`
  const directory = mkdtempSync(join(tmpdir(), `capstan-rel-${id}-`))
  const charts = await startChartRepository({ root: join(directory, 'served'), helm: binary })
  const api = await underOwnGroup(createCluster({ kubeconfig, log: silent }), `r${id}.test.capstan.dev`)
  await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  let writes: string[] = []
  const cluster: Cluster = {
    ...api,
    create: (object, signal) => (writes.push(`create ${object.kind}`), api.create(object, signal)),
    replace: (object, signal) => (writes.push(`replace ${object.kind}`), api.replace(object, signal)),
    patch: (ref, patch, options) => (writes.push(`patch ${ref.kind}`), api.patch(ref, patch, options)),
    delete: (ref, preconditions, signal) => (writes.push(`delete ${ref.kind}`), api.delete(ref, preconditions, signal)),
  }
  const redactor = createRedactor()
  let helmRuns: string[] = []
  const all: string[] = []
  const start = createRun({ redact: redactor.redact })
  const recorded = async (request: RunRequest) => {
    // asked once by each process, whatever comes first; a dry run does nothing
    const isAsking = request.args[0] === 'version' || request.args.includes('--dry-run=server')
    if (!isAsking) helmRuns.push(request.args[0] ?? '')
    all.push(...request.args)
    return await start(request)
  }
  const egress = createEgress()
  const registry = createRegistry({ log: silent })
  const helm = createHelm({
    run: recorded,
    binary,
    kubeconfig,
    directory: join(directory, 'helm'),
    environment: { PATH: process.env.PATH ?? '' },
    redact: redactor.redact,
    limit: (work) => work(),
    log: silent,
  })
  let ahead = 0
  let stoodAt: number | undefined
  const now = () => (stoodAt ?? Date.now()) + ahead
  const commits = new Map<string, Record<string, string>>()
  const git = fakeGit(commits)
  const deps: SyncReleaseDeps = {
    cluster,
    helm,
    charts: createCharts({
      directory: join(directory, 'charts'),
      egress,
      registry,
      insecureHosts: [registryHost],
      known: { access: async () => undefined, named: async () => undefined },
      now,
    }),
    git,
    chartRemote: async (url: string) => ({ url }),
    keep: createPrivateFiles(join(directory, 'credentials')),
    githubApp: { login: async () => Promise.reject(new Error('no app here')) },
    fetchedAt: new Map<string, number>(),
    gitPollIntervalMs: 60_000,
    egress,
    decode: decodeStoredRelease,
    fence: { epoch: `test-${id}`, check() {}, isDead: async () => true },
    redactor,
    defaults: { gitRef: 'master', updateDependencies: true },
    finalizer: true,
    releaseNamespace: namespace,
    ownNamespace: `${namespace}-capstan`,
    upgradeLimit: 3,
    adoptFailed: 'hold' as const,
    failedInstall: 'remove' as const,
    log: silent,
    now: () => new Date(now()),
    random: () => 0.5,
    ended: () => undefined,
  }
  const ref = (name: string) => ({ apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace, name })
  const typed = async (...args: string[]) =>
    (await run(binary, [...args, '-n', namespace], { env: { ...process.env, KUBECONFIG: kubeconfig } })).stdout
  return {
    namespace,
    group: `r${id}.test.capstan.dev`,
    deps,
    cluster: api,
    charts,
    async publish(version, templates, values = 'color: red\n') {
      const folder = join(directory, `chart-${version}`, 'demo')
      const files = {
        'Chart.yaml': `apiVersion: v2\nname: demo\nversion: ${version}\n`,
        'values.yaml': values,
        ...Object.fromEntries(Object.entries(templates).map(([name, text]) => [`templates/${name}`, text])),
      }
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
      await charts.publish(folder)
    },
    async put(name, given, more = {}) {
      const { apiVersion, kind } = ref(name)
      const { spec, annotations } = written(given)
      const metadata = { name, namespace, annotations: { ...annotations, ...more } }
      await api.apply({ apiVersion, kind, metadata, spec }, { force: true })
    },
    async suspend(name) {
      const { spec, annotations } = written({ suspend: { by: 'ana', why: 'audit' } })
      await api.patch(ref(name), { metadata: { annotations }, spec })
    },
    setStatus: async (name, status) => void (await api.patch(ref(name), { status }, { subresource: 'status' })),
    useFinalizer(use) {
      deps.finalizer = use
    },
    advance(ms) {
      ahead += ms
    },
    holdHelm() {
      const { helm } = deps
      const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const held = async <R>(call: () => Promise<R>): Promise<R> => {
        begun.resolve()
        await go.promise
        return await call()
      }
      deps.helm = {
        ...helm,
        install: async (...given) => await held(() => helm.install(...given)),
        uninstall: async (...given) => await held(() => helm.uninstall(...given)),
      }
      const letGo = (): void => {
        deps.helm = helm
        go.resolve()
      }
      return { begun: begun.promise, letGo }
    },
    stopClock() {
      stoodAt ??= Date.now()
      return () => {
        stoodAt = undefined
      }
    },
    annotate: async (name, annotations) => void (await api.patch(ref(name), { metadata: { annotations } })),
    async setState(release, revision, state, { minutesAgo = 0 } = {}) {
      const secret = { apiVersion: 'v1', kind: 'Secret', namespace, name: `sh.helm.release.v1.${release}.v${revision}` }
      const found = await api.get(secret)
      if (!found) throw new Error(`helm has no revision ${revision} of ${release}`)
      const encoded = (found.data as { release: string }).release
      const inner = Buffer.from(Buffer.from(encoded, 'base64').toString(), 'base64')
      const stored = JSON.parse(gunzipSync(inner).toString()) as { info: { status: string } }
      stored.info.status = state
      const data = { release: Buffer.from(gzipSync(JSON.stringify(stored)).toString('base64')).toString('base64') }
      const modifiedAt = String(Math.round(Date.now() / 1000) - minutesAgo * 60)
      await api.patch(secret, { metadata: { labels: { status: state, modifiedAt } }, data })
    },
    commit: (commit, files) => void commits.set(commit, files),
    async killUpgrade(release, version) {
      const record = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: `capstan-release-${release}` }
      const found = (await api.get(record))?.data as { 'record.json': string }
      const intent = {
        verb: 'upgrade',
        revision: 2,
        epoch: 'capstan-dead/uid',
        at: '2026-01-01T00:00:00Z',
        inputs: 'x',
      }
      const text = JSON.stringify({ ...JSON.parse(found['record.json']), intent })
      await api.patch(record, { data: { 'record.json': text } })
      const args = ['upgrade', release, 'demo', '--repo', charts.url, '--version', version, '-n', namespace]
      const child = spawn(binary, args, { env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: 'ignore' })
      const secret = { apiVersion: 'v1', kind: 'Secret', namespace, name: `sh.helm.release.v1.${release}.v2` }
      await until('the upgrade is pending', async () => (await api.get(secret)) !== undefined)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    },
    get: (name) => api.get(ref(name)),
    sync: (name, { signal = new AbortController().signal, reason = 'test' } = {}) =>
      syncRelease({ kind: 'sync-release', namespace, name, reason, requestedAt: '' }, deps, signal),
    helmRuns() {
      const taken = helmRuns
      helmRuns = []
      return taken
    },
    arguments: () => all,
    writes() {
      const taken = writes
      writes = []
      return taken
    },
    helm: typed,
    byHand: async (verb, release, color, version = '1.0.0') =>
      await typed(verb, release, 'demo', '--repo', charts.url, '--version', version, '--set', `color=${color}`),
    async close() {
      // a test may have taken the definition away
      const hasKind = (await api.get(definitionRef)) !== undefined
      const left = hasKind ? await api.list({ apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace }) : []
      for (const object of left) await api.patch(ref(object.metadata.name), { metadata: { finalizers: null } })
      await api.delete({ apiVersion: 'v1', kind: 'Namespace', name: namespace }, {})
      await api.delete(definitionRef, {})
      await api.close()
      await egress.close()
      await registry.close()
      await charts.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Git with given commits; the newest is what every ref means. */
function fakeGit(commits: Map<string, Record<string, string>>) {
  return {
    fetch: async () => new Map<string, string>(),
    resolve: async () => [...commits.keys()].at(-1) ?? '',
    async export(_remote: unknown, commit: string, path: string, directory: string) {
      for (const [file, text] of Object.entries(commits.get(commit) ?? {})) {
        if (!file.startsWith(`${path}/`)) continue
        const target = join(directory, file.slice(path.length + 1))
        mkdirSync(dirname(target), { recursive: true })
        writeFileSync(target, text)
      }
    },
  }
}
