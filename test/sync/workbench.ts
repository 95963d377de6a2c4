import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Cluster, createCluster } from '../../src/adapters/cluster/index.ts'
import { createGit, type Git } from '../../src/adapters/git/index.ts'
import { createParser } from '../../src/adapters/parser/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { fluxdSource, type SourceSpec } from '../../src/domain/source/spec.ts'
import { type SourceStatus, statusRef } from '../../src/domain/source/status.ts'
import { readSourceStatus } from '../../src/domain/source/stored-status.ts'
import { createOwnedObjects, type OwnedObjects } from '../../src/jobs/owned-objects.ts'
import { takeRemoval } from '../../src/jobs/tell-removed.ts'
import { syncSource } from '../../src/jobs/sync-source/index.ts'
import { createSyncMemory, type SyncMemory } from '../../src/jobs/sync-source/memory.ts'
import type { SyncEnded } from '../../src/jobs/sync-source/sync.ts'
import type { Outcome, WorkRequest } from '../../src/domain/work/job.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { parseChildEntry } from '../../src/main/package.ts'
import { createPacker } from '../../src/main/packer.ts'
import { createHistory } from '../../src/jobs/history.ts'
import { createFakeStore, type FakeStore } from '../fakes/store.ts'
import { stack } from '../stack/stack.ts'
import type { Render } from '../../src/jobs/sync-source/desired.ts'
import type { Decrypt } from '../../src/jobs/sync-source/files.ts'

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** One source with its own repository and namespaces on the real API server; the job is called directly. */
export type Workbench = {
  cluster: Cluster
  git: Git
  spec: SourceSpec
  /** Namespace for the objects of the test; made by the test's own manifests or with `namespace()`. */
  target: string
  memory: SyncMemory
  owned: OwnedObjects
  /** Replaces the whole content of the branch and pushes; gives the commit. */
  push(files: Record<string, string>, branch?: string): string
  /** git in the checkout that pushes come from. */
  inWork(...args: string[]): string
  /** How one run of the job ended. */
  outcome(options?: { signal?: AbortSignal; reason?: string }): Promise<Outcome>
  /** One run of the job, as a worker would do it; throws for a source that is held. */
  sync(options?: { signal?: AbortSignal; reason?: string }): Promise<SyncEnded>
  /** Writes that the API server saw from this workbench since the last call. */
  writes(): string[]
  status(): Promise<SourceStatus>
  /** What syncs told: events and deployment records, in Redis' place. */
  told: FakeStore
  /** Work that syncs asked for. */
  enqueued: WorkRequest[]
  /** Milliseconds since 1970 that syncs take for now; undefined for the clock. */
  now: number | undefined
  /** What the last fetch by another process saw; undefined when nobody knows. */
  fetched: { at: string; head: string } | undefined
  /** False: `sync` does not fetch before, as where another process fetched. */
  fetches: boolean
  /** The keys of the source; at first any key opens anything, and leaves it as it is. */
  open: Decrypt['open']
  /** What generators make; nothing at first. */
  render: Render
  /** Forgets all that a process remembers, as after a restart. */
  restart(): void
  /** The next syncs are done by the other one of two workers, with a memory and a mirror of its own. */
  otherWorker(): void
  close(): Promise<void>
}

/** `others`: sources that are there beside it; a test may add to them. */
export async function createWorkbench(
  change: Partial<SourceSpec> = {},
  others: SourceSpec[] = [],
  gnupgHome?: string,
): Promise<Workbench> {
  const id = randomBytes(4).toString('hex')
  const directory = mkdtempSync(join(tmpdir(), `capstan-sync-${id}-`))
  const bare = join(directory, 'repo.git')
  const work = join(directory, 'work')
  const inWork = (...args: string[]) =>
    execFileSync('git', args, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  mkdirSync(work)
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare])
  inWork('init', '-q', '-b', 'main')
  inWork('config', 'user.email', 'test@example.com')
  inWork('config', 'user.name', 'test')
  const cluster = recorded(createCluster({ kubeconfig: stack().kubeconfig, log: silent }))
  const mirrors = (name: string) =>
    createGit({
      directory: join(directory, name),
      timeoutMs: 120_000,
      allowLocal: true,
      log: silent,
      ...(gnupgHome ? { gnupgHome } : {}),
    })
  const home = `sync-${id}`
  const target = `app-${id}`
  for (const name of [home, target])
    await cluster.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  const spec: SourceSpec = {
    namespace: home,
    name: 'default',
    ...fluxdSource,
    syncState: 'cluster',
    url: bare,
    ref: { kind: 'branch', value: 'main' },
    branch: 'main',
    paths: [],
    pollIntervalMs: 60_000,
    syncIntervalMs: 60_000,
    syncTimeoutMs: 60_000,
    prune: true,
    pruneDry: false,
    allowedNamespaces: [],
    defaultNamespace: target,
    ...change,
  }
  let ended: SyncEnded | undefined
  let resting = { memory: createSyncMemory(), git: mirrors('mirrors-of-the-other') }
  const bench: Pick<
    Workbench,
    'git' | 'memory' | 'owned' | 'enqueued' | 'now' | 'fetched' | 'fetches' | 'open' | 'render'
  > = {
    git: mirrors('mirrors'),
    memory: createSyncMemory(),
    owned: createOwnedObjects(cluster.api),
    enqueued: [],
    now: undefined,
    fetched: undefined,
    fetches: true,
    render: async () => ({ plainPaths: undefined, outputs: [], problems: [], warnings: [] }),
    open: async () => ({ decrypt: async (_, bytes) => bytes, close: async () => {} }),
  }
  const run = createRun({ redact: (text) => text })
  const told = createFakeStore()
  const history = createHistory({ store: told, redact: (text) => text.replaceAll('hunter2', '*****'), log: silent })
  async function outcome({
    signal = new AbortController().signal,
    reason = 'test',
  }: {
    signal?: AbortSignal
    reason?: string
  } = {}): Promise<Outcome> {
    const remote = { url: bare }
    if (bench.fetches) await bench.git.fetch(remote)
    const payload = {
      kind: 'sync-source' as const,
      namespace: home,
      name: 'default',
      reason,
      requestedAt: '',
    }
    return await syncSource(
      payload,
      {
        sources: { list: () => [spec, ...others], get: () => spec, remote: async () => remote },
        git: bench.git,
        lastFetch: async () => bench.fetched,
        cluster: cluster.api,
        fence: { epoch: `test-${id}`, check() {}, isDead: async () => true },
        owned: bench.owned,
        memory: bench.memory,
        packer: createPacker(),
        parse: createParser({ run, entry: parseChildEntry(), log: silent }),
        render: bench.render,
        replaces: new Set(['fluxd', 'helm-operator', 'definition'] as const),
        redact: (text) => text,
        secrets: { isEncrypted: (bytes) => Buffer.from(bytes).includes('sops:'), open: bench.open },
        marking: {
          author: { name: 'capstan', email: 'capstan@example.com' },
          signingKey: '',
          secret: { namespace: home, name: 'flux-git-deploy' },
        },
        enqueue: async (request) => {
          bench.enqueued.push(request)
          return { jobId: 'test' }
        },
        publish: async () => {},
        log: silent,
        now: () => new Date(bench.now ?? Date.now()),
        random: Math.random,
        pause: async (ms) => await new Promise((resolve) => setTimeout(resolve, ms)),
        remember: async () => undefined,
        ended: (result) => (ended = result),
        history: history('a-job'),
        wasRemoved: async (source) => await takeRemoval(source, told),
      },
      signal,
    )
  }

  return {
    cluster: cluster.api,
    get git() {
      return bench.git
    },
    spec,
    target,
    told,
    get memory() {
      return bench.memory
    },
    get owned() {
      return bench.owned
    },
    get enqueued() {
      return bench.enqueued
    },
    get fetched() {
      return bench.fetched
    },
    set fetched(fetched) {
      bench.fetched = fetched
    },
    get open() {
      return bench.open
    },
    set open(open) {
      bench.open = open
    },
    get render() {
      return bench.render
    },
    set render(render) {
      bench.render = render
    },
    get fetches() {
      return bench.fetches
    },
    set fetches(fetches) {
      bench.fetches = fetches
    },
    get now() {
      return bench.now
    },
    set now(now) {
      bench.now = now
    },
    push(files, branch = 'main') {
      inWork('rm', '-rqf', '--ignore-unmatch', '.')
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(work, path)), { recursive: true })
        writeFileSync(join(work, path), text)
      }
      inWork('add', '-A')
      inWork('commit', '-q', '--allow-empty', '-m', 'change')
      inWork('push', '-q', '-f', bare, branch)
      return inWork('rev-parse', 'HEAD').trim()
    },
    inWork,
    async sync(options) {
      ended = undefined
      await outcome(options)
      if (!ended) throw new Error('the sync did not end')
      return ended
    },
    outcome,
    writes: cluster.take,
    async status() {
      const found = await cluster.api.get(statusRef(spec))
      const status = readSourceStatus(found)
      if (!status) throw new Error('no status')
      return status
    },
    restart() {
      bench.owned.stop()
      bench.memory = createSyncMemory()
      bench.git = mirrors('mirrors')
      bench.owned = createOwnedObjects(cluster.api)
    },
    otherWorker() {
      const { memory, git } = bench
      Object.assign(bench, resting)
      resting = { memory, git }
    },
    async close() {
      bench.owned.stop()
      for (const name of [home, target]) await cluster.api.delete({ apiVersion: 'v1', kind: 'Namespace', name }, {})
      await cluster.api.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The adapter with a list of the writes that went through it. */
function recorded(api: Cluster): { api: Cluster; take: () => string[] } {
  let writes: string[] = []
  const note = (verb: string, kind: string, name: string) => writes.push(`${verb} ${kind}/${name}`)
  return {
    api: {
      ...api,
      apply(object, options, signal) {
        note('apply', object.kind, object.metadata.name)
        return api.apply(object, options, signal)
      },
      create(object, signal) {
        note('create', object.kind, object.metadata.name)
        return api.create(object, signal)
      },
      replace(object, signal) {
        note('replace', object.kind, object.metadata.name)
        return api.replace(object, signal)
      },
      delete(ref, preconditions, signal) {
        note('delete', ref.kind, ref.name)
        return api.delete(ref, preconditions, signal)
      },
    },
    take() {
      const taken = writes
      writes = []
      return taken
    },
  }
}
