// Who commits images, as a process that can be killed: its jobs, queue, store, git and registry are those of `capstan run`.
import { randomBytes, randomUUID } from 'node:crypto'
import { createCluster } from '../../src/adapters/cluster/index.ts'
import { createGenerator } from '../../src/adapters/generate/index.ts'
import { createGit, type GitRemote } from '../../src/adapters/git/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { createQueue } from '../../src/adapters/queue/index.ts'
import { createRegistry } from '../../src/adapters/registry/index.ts'
import { createStore } from '../../src/adapters/store/index.ts'
import { parseFile } from '../../src/domain/manifest/parse-file.ts'
import { requestKey } from '../../src/domain/work/request.ts'
import { createRequests } from '../../src/jobs/requests.ts'
import { scanImage } from '../../src/jobs/scan-image/index.ts'
import { createImageMemory } from '../../src/jobs/scan-image/workloads.ts'
import { type UpdateImagesDeps, updateImages } from '../../src/jobs/update-images/index.ts'
import { quiet } from '../cluster/world.ts'
import { branchSource } from '../images/branch-source.ts'

/** What it works with, as JSON in its only argument. */
export type UpdateProcessOptions = {
  redisUrl: string
  redisPrefix: string
  gitUrl: string
  kubeconfig: string
  /** Where registries speak plain HTTP. */
  registryHost: string
  /** Mirrors and checkouts; the next process has the same, as on one machine. */
  directory: string
  /** Of requests. */
  token: string
  /** Ends itself at this call to the outside, counted from its first job on; before the call, or when it was answered. */
  dieAt?: { call: number; isAfter: boolean }
}

const options = JSON.parse(process.argv[2] ?? '{}') as UpdateProcessOptions
const { redisUrl, redisPrefix: prefix, dieAt } = options
const spec = branchSource(options.gitUrl)
const git = createGit({ directory: `${options.directory}/mirrors`, timeoutMs: 120_000, log: quiet })
const store = createStore({ redisUrl, prefix, log: quiet })
const queue = createQueue({ redisUrl, prefix, worker: `p${process.pid}`, log: quiet, deadAfterMs: 1_000 })
const registry = createRegistry({ log: quiet, memory: store, rps: 1_000 })
const cluster = createCluster({ kubeconfig: options.kubeconfig, log: quiet })
let calls = 0

/** kill -9 as it comes from outside: nothing runs after it. */
function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** The same functions, of which one may be the last that is called. */
function counted<T extends object>(part: T): T {
  const wrapped = Object.entries(part).map(([name, call]: [string, unknown]) => {
    if (typeof call !== 'function') return [name, call]
    return [
      name,
      (...args: unknown[]) => {
        const isLast = dieAt?.call === ++calls
        if (isLast && !dieAt.isAfter) die()
        const answer: unknown = call(...args)
        return isLast && answer instanceof Promise ? answer.finally(die) : answer
      },
    ]
  })
  return Object.fromEntries(wrapped) as T
}

const { enqueue } = counted(queue)
const deps: UpdateImagesDeps = {
  sources: {
    list: () => [spec],
    get: (namespace, name) => (namespace === spec.namespace && name === spec.name ? spec : undefined),
    remote: async () => ({ url: spec.url }),
  },
  git: counted(git),
  generator: createGenerator<GitRemote>({
    run: createRun({ redact: (text) => text }),
    export: (...request) => git.export(...request),
    parse: async (texts) => texts.map(parseFile),
    directory: `${options.directory}/checkouts`,
    strict: true,
    remoteBases: false,
    kustomizeBinary: 'kustomize',
    environment: { PATH: process.env.PATH },
  }),
  registry: counted(registry),
  store: counted(store),
  cluster: counted(cluster),
  enqueue,
  async scansLeft() {
    const { waiting, active } = await queue.countsOf('scan-image')
    return waiting + active
  },
  memory: createImageMemory(),
  filter: { include: [], exclude: [], ecr: { regions: [], include: [], exclude: [] } },
  insecureHosts: [options.registryHost],
  listDepth: 2,
  usesLabels: () => false,
  logins: { find: async () => undefined, refused() {} },
  areTenants: false,
  redactor: { register: () => () => {} },
  // one process at a time is alive here
  fence: { check() {} },
  author: { name: 'Capstan', email: 'capstan@example.com' },
  setAuthor: false,
  signingKey: '',
  ciSkip: '',
  readonly: false,
  scanIntervalMs: 3_600_000,
  newId: randomUUID,
  requests: createRequests({
    store: counted(store),
    key: () => requestKey(options.token),
    newId: () => randomBytes(16).toString('hex'),
    now: () => new Date(),
  }),
  log: quiet,
  now: () => new Date(),
}

await git.fetch({ url: spec.url })
await queue.work({
  'scan-image': { slots: 2, run: (payload, { signal }) => scanImage(payload, deps, signal) },
  'update-images': { slots: 2, run: (payload, { signal }) => updateImages(payload, deps, signal) },
})
process.on('SIGTERM', () => void queue.close(5_000).then(() => process.exit(0)))
process.stdout.write('ready\n')
