import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createGenerator } from '../../src/adapters/generate/index.ts'
import { createGit, type Git, type GitRemote } from '../../src/adapters/git/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { createRegistry, type Registry } from '../../src/adapters/registry/index.ts'
import { parseFile } from '../../src/domain/manifest/parse-file.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import type { JobKind, JobPayload, Outcome } from '../../src/domain/work/job.ts'
import { requestKey } from '../../src/domain/work/request.ts'
import { createRequests, type Requests } from '../../src/jobs/requests.ts'
import { listImageScans, scanImage } from '../../src/jobs/scan-image/index.ts'
import { createImageMemory } from '../../src/jobs/scan-image/workloads.ts'
import { type UpdateImagesDeps, updateImages } from '../../src/jobs/update-images/index.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { createFakeCluster, type FakeCluster } from '../fakes/cluster.ts'
import { createFakeQueue, type FakeQueue } from '../fakes/queue.ts'
import { createFakeStore, type FakeStore } from '../fakes/store.ts'
import { stack } from '../stack/stack.ts'
import { branchSource } from './branch-source.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** One source in a real bare repository, the real registry, and memory for the rest; the jobs are called directly. */
export type Workbench = {
  spec: SourceSpec
  cluster: FakeCluster
  queue: FakeQueue
  store: FakeStore
  /** `host/test-xyz`, for image names of this test alone. */
  images: string
  host: string
  /** Path below the host of `images`. */
  path: string
  git: Git
  deps: UpdateImagesDeps & { requests: Requests }
  /** What the registry was asked, by kind of request. */
  asked: { tags: number; digest: number; describe: number }
  /** Commits these files, on top of what is there, and pushes; gives the commit. */
  push(files: Record<string, string>): string
  /** Commits a symbolic link and pushes. */
  link(path: string, target: string): void
  scans(): Promise<string[]>
  scan(repository: string, reason?: string): Promise<Outcome>
  update(change?: Partial<UpdateImagesDeps>): Promise<Outcome>
  /** Forgets all that a process remembers, as after a restart. */
  restart(): void
  file(path: string): string
  /** Subjects of the branch's commits, newest first. */
  subjects(): string[]
  run(...args: string[]): string
  close(): Promise<void>
}

export async function createWorkbench(change: Partial<SourceSpec> = {}): Promise<Workbench> {
  const id = randomBytes(4).toString('hex')
  const directory = mkdtempSync(join(tmpdir(), `capstan-images-${id}-`))
  const [bare, work] = [join(directory, 'repo.git'), join(directory, 'work')]
  const run = (...args: string[]) =>
    execFileSync('git', args, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  mkdirSync(work)
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare])
  run('init', '-q', '-b', 'main')
  run('config', 'user.email', 'test@example.com')
  run('config', 'user.name', 'test')
  run('remote', 'add', 'origin', bare)
  const git = createGit({ directory: join(directory, 'mirrors'), timeoutMs: 120_000, allowLocal: true, log: silent })
  const spec = branchSource(bare, change)
  const [cluster, queue, store] = [createFakeCluster(), createFakeQueue(), createFakeStore()]
  const registry = createRegistry({ log: silent })
  const asked = { tags: 0, digest: 0, describe: 0 }
  const host = stack().registry
  const deps: Workbench['deps'] = {
    sources: {
      list: () => [spec],
      get: (namespace, name) => (namespace === spec.namespace && name === spec.name ? spec : undefined),
      remote: async () => ({ url: bare }),
    },
    git,
    generator: createGenerator<GitRemote>({
      run: createRun({ redact: (text) => text }),
      export: (...request) => git.export(...request),
      parse: async (texts) => texts.map(parseFile),
      directory: join(directory, 'checkouts'),
      strict: true,
      remoteBases: false,
      kustomizeBinary: join(stack().binDir, 'kustomize'),
      environment: { PATH: process.env.PATH, OPERATOR: 'set' },
    }),
    registry: counted(registry, asked),
    store,
    cluster,
    enqueue: queue.enqueue,
    memory: createImageMemory(),
    filter: { exclude: ['k8s.gcr.io/*'], include: [], ecr: { regions: [], include: [], exclude: [] } },
    insecureHosts: [host],
    listDepth: 2,
    usesLabels: () => false,
    logins: { find: async () => undefined, refused() {} },
    areTenants: false,
    redactor: { register: () => () => {} },
    fence: { check() {} },
    author: { name: 'Capstan', email: 'capstan@example.com' },
    signingKey: '',
    ciSkip: '',
    readonly: false,
    setAuthor: false,
    scanIntervalMs: 300_000,
    newId: randomUUID,
    requests: createRequests({
      store,
      key: () => requestKey('token'),
      newId: () => randomBytes(16).toString('hex'),
      now: () => new Date(),
    }),
    log: silent,
    now: () => new Date(),
  }
  const { signal } = new AbortController()
  return {
    spec,
    cluster,
    queue,
    store,
    images: `${host}/test-${id}`,
    host,
    path: `test-${id}`,
    git,
    deps,
    asked,
    push(files) {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(work, path)), { recursive: true })
        writeFileSync(join(work, path), text)
      }
      run('add', '-A')
      run('commit', '-q', '-m', 'change')
      run('push', '-q', 'origin', 'main')
      return run('rev-parse', 'HEAD').trim()
    },
    link(path, target) {
      symlinkSync(target, join(work, path))
      run('add', '-A')
      run('commit', '-q', '-m', 'link')
      run('push', '-q', 'origin', 'main')
    },
    async scans() {
      await git.fetch({ url: bare })
      return await listImageScans(deps, signal)
    },
    async scan(repository, reason = 'test') {
      await git.fetch({ url: bare })
      return await scanImage({ ...payload('scan-image', '', repository), reason }, deps, signal)
    },
    update: (others) =>
      updateImages(payload('update-images', spec.namespace, spec.name), { ...deps, ...others }, signal),
    restart() {
      deps.memory = createImageMemory()
    },
    file(path) {
      run('pull', '-q', '--ff-only', 'origin', 'main')
      return readFileSync(join(work, path), 'utf8')
    },
    subjects() {
      run('fetch', '-q', 'origin', 'main')
      return run('log', '--format=%s', 'origin/main').trim().split('\n')
    },
    run,
    async close() {
      await registry.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function payload(kind: JobKind, namespace: string, name: string): JobPayload {
  return { kind, namespace, name, reason: 'test', requestedAt: new Date().toISOString() }
}

function counted(registry: Registry, asked: Workbench['asked']): Registry {
  return {
    ...registry,
    tags(...args) {
      asked.tags++
      return registry.tags(...args)
    },
    digest(...args) {
      asked.digest++
      return registry.digest(...args)
    },
    describe(...args) {
      asked.describe++
      return registry.describe(...args)
    },
  }
}

/** A Deployment of one container `app`, with comments that must survive. */
export function deployment(image: string, annotations: Record<string, string> = {}, name = 'web'): string {
  const lines = Object.entries({ 'fluxcd.io/automated': 'true', ...annotations })
  return `# what runs
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  annotations:
${lines.map(([key, value]) => `    ${key}: '${value}'\n`).join('')}spec:
  template:
    spec:
      containers:
        - name: app # the one that counts
          image: "${image}"   # do not touch by hand
`
}
