import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { createRedactor } from '../../src/adapters/log/index.ts'
import { createParser } from '../../src/adapters/parser/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import type { Plan } from '../../src/domain/plan/plan.ts'
import { fieldsDropped } from '../../src/domain/plan/take-over.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import type { Outcome } from '../../src/domain/work/job.ts'
import { type RequestAsk, requestJobName, requestKey } from '../../src/domain/work/request.ts'
import { changeSource } from '../../src/jobs/change-source/index.ts'
import { planSource, type PlanSourceDeps } from '../../src/jobs/plan-source/index.ts'
import { createRequests, type Requests } from '../../src/jobs/requests.ts'
import { parseChildEntry } from '../../src/main/package.ts'
import { createPacker } from '../../src/main/packer.ts'
import { createFakeStore, type FakeStore } from '../fakes/store.ts'
import { createWorkbench as createSyncBench, silent, type Workbench as SyncBench } from '../sync/workbench.ts'

/** A source on the real API server, whose plans and changes are run as a worker would run them. */
export type Workbench = SyncBench & {
  store: FakeStore
  requests: Requests
  /** Asks for a plan, runs its job and gives the plan. Throws when the plan wrote anything. `seen` is empty (all) where it is not given. */
  plan(ask?: { ref?: string; files?: Uint8Array; full?: boolean; seen?: string | undefined }): Promise<Plan>
  /** Runs the job of that name, whatever it is. */
  runPlan(name: string): Promise<Outcome>
  runChange(name: string): Promise<Outcome>
  /** Asks for a change and runs its job. */
  change(ask: RequestAsk, by?: string): Promise<Outcome>
  /** Dry runs since the last call. */
  tried(): number
}

export async function createWorkbench(change: Partial<SourceSpec> = {}): Promise<Workbench> {
  const bench = await createSyncBench(change)
  const { spec } = bench
  const store = createFakeStore()
  const requests = createRequests({
    store,
    key: () => requestKey('a-token'),
    newId: () => randomBytes(16).toString('hex'),
    now: () => new Date(),
  })
  const guarded = readOnly(bench.cluster)
  const signal = new AbortController().signal
  const fence = { epoch: 'plan', check() {}, isDead: async () => true }
  const { namespace } = spec
  const unpack = promisify(gunzip)

  function deps(): PlanSourceDeps {
    const remote = { url: spec.url }
    return {
      sources: {
        list: () => [spec],
        get: (_, name) => (name === spec.name ? spec : undefined),
        remote: async () => remote,
      },
      git: bench.git,
      cluster: guarded.api,
      fence,
      owned: bench.owned,
      memory: bench.memory,
      packer: createPacker(),
      parse: createParser({ run: createRun({ redact: (text) => text }), entry: parseChildEntry(), log: silent }),
      render: (where, until) => whole.render(where, until),
      secrets: {
        isEncrypted: () => false,
        open: async () => ({ decrypt: async (_, bytes) => bytes, close: async () => {} }),
      },
      marking: { author: { name: 'c', email: 'c@example.com' }, signingKey: '', secret: { namespace, name: 'x' } },
      enqueue: async () => ({ jobId: 'none' }),
      replaces: new Set(['fluxd', 'helm-operator', 'definition'] as const),
      redact: (text) => text,
      publish: async () => {},
      log: silent,
      now: () => new Date(),
      lastFetch: async () => undefined,
      random: Math.random,
      pause: async () => {},
      remember: async () => undefined,
      ended: () => {},
      requests,
      redactor: createRedactor(),
      gunzip: async (bytes, maxOutputLength) => await unpack(bytes, { maxOutputLength }),
      fieldsDropped,
    }
  }

  async function runPlan(name: string): Promise<Outcome> {
    return await planSource({ kind: 'plan-source', namespace, name, reason: 'test', requestedAt: '' }, deps(), signal)
  }

  async function runChange(name: string): Promise<Outcome> {
    const enqueue = async () => ({ jobId: 'sync-source.1' })
    const payload = { kind: 'change-source' as const, namespace, name, reason: 'test', requestedAt: '' }
    return await changeSource(payload, { ...deps(), cluster: bench.cluster, enqueue }, signal)
  }

  const own: Pick<Workbench, 'store' | 'requests' | 'plan' | 'runPlan' | 'runChange' | 'change' | 'tried'> = {
    store,
    requests,
    runPlan,
    runChange,
    tried: guarded.tried,
    async plan({ ref = '', files, full = false, ...rest } = {}) {
      const seen = 'seen' in rest ? rest.seen : ''
      const whole = seen === undefined ? {} : { seen }
      const ask = { kind: 'plan-source', ref, files: files !== undefined, full, ...whole } as const
      const request = await requests.put({ namespace, name: spec.name, by: 'alice', ask }, files)
      await runPlan(requestJobName(request)).catch(() => {})
      const plan = await requests.plan(request.id)
      if (!plan) throw new Error('there is no plan')
      return plan
    },
    async change(ask, by = 'alice') {
      return await runChange(requestJobName(await requests.put({ namespace, name: spec.name, by, ask })))
    },
  }
  const whole: Workbench = Object.assign(Object.create(bench) as SyncBench, own)
  return whole
}

/** The cluster for somebody who may only read and try. */
function readOnly(cluster: Cluster): { api: Cluster; tried: () => number } {
  let count = 0
  const refuse = (verb: string) => () => {
    throw new Error(`a plan must not ${verb}`)
  }
  const api: Cluster = {
    ...cluster,
    apply(object, options, signal) {
      if (!options.dryRun) throw new Error('a plan must not apply')
      count++
      return cluster.apply(object, options, signal)
    },
    create: refuse('create'),
    replace: refuse('replace'),
    patch: refuse('patch'),
    delete: refuse('delete'),
    takeOver: refuse('take over'),
    recreate: refuse('recreate'),
  }
  return {
    api,
    tried() {
      const tried = count
      count = 0
      return tried
    },
  }
}
