import type { Store } from '../adapters/store/index.ts'
import { AppError } from '../domain/error.ts'
import { emptyAnswer, type ImageAnswer } from '../domain/image/answer.ts'
import { emptyPlan, type Plan } from '../domain/plan/plan.ts'
import type { JobPayload } from '../domain/work/job.ts'
import {
  isRequestId,
  open,
  openRequest,
  type Request,
  requestIdOf,
  requestJobName,
  requestRecord,
  seal,
  sealRequest,
} from '../domain/work/request.ts'
import { openFiles, sealFiles } from '../domain/work/sealed-files.ts'

/**
 * Requests with arguments, and what answers them, between api and worker (W1, W7). Everything lies in Redis signed: what was not
 * written by one of us is as if it were not there. Lost with Redis: whoever asked asks again. What asks or looks throws RedisUnavailable
 * when Redis does not answer: a request that could not be read is not done.
 */
export type Requests = {
  /** Stores a request and gives it with its new id. `files` are kept apart, encrypted, for an hour. */
  put(request: Pick<Request, 'namespace' | 'name' | 'by' | 'ask'>, files?: Uint8Array): Promise<Request>
  /** The request that a job names and that was not answered yet, or a sentence for why there is nothing to do. */
  read(payload: Pick<JobPayload, 'kind' | 'namespace' | 'name'>): Promise<RequestRead>
  /** A request by its id, also one that was answered; undefined when there is none (any more). */
  find(id: string): Promise<Request | undefined>
  /** It was answered: it is not done again, and gone 24 h later, its files at once. */
  end(request: Request): Promise<void>
  files(id: string): Promise<Uint8Array | undefined>
  putPlan(plan: Plan): Promise<void>
  /** Nobody works on the plan (any more). */
  dropPlan(id: string): Promise<void>
  /** Undefined when there is none (any more). */
  plan(id: string): Promise<Plan | undefined>
  /** Kept as long as the request that it answers. */
  putAnswer(answer: ImageAnswer): Promise<void>
  /** Undefined when there is none (any more). */
  answer(id: string): Promise<ImageAnswer | undefined>
}

export type RequestRead = { request: Request; problem?: undefined } | { request?: undefined; problem: string }

const unknown = 'there is no such request (any more); nothing to do'
const notOurs =
  'the request was not signed by us; nothing to do. Give api and worker the same --token-file if they have two'

const hour = 3_600_000
/** A request that no worker ever took. */
const waitingMs = 7 * 24 * hour
const endedMs = 24 * hour
const planMs = hour
/** Clocks further ahead than this are no clocks of ours (hazard B7). */
const farthestMs = 24 * hour

/**
 * The time of a request to change an object is after that of the last one, whatever the clock of the process that took it said: the
 * later of two is the one that counts (hazard F3).
 */
async function timeFor(
  { ask, namespace, name }: Pick<Request, 'namespace' | 'name' | 'ask'>,
  { store, now }: { store: Pick<Store, 'read' | 'write'>; now: () => Date },
): Promise<string> {
  const clock = now().getTime()
  if (ask.kind !== 'change-source' && ask.kind !== 'change-release') return new Date(clock).toISOString()
  const key = `asked:${ask.kind}:${namespace}/${name}`
  const last = Date.parse((await store.read(key)) ?? '')
  const at = new Date(last >= clock && last < clock + farthestMs ? last + 1 : clock).toISOString()
  await store.write(key, at, { ttlMs: waitingMs })
  return at
}

/** `key` is asked for at each use, so that the token may be changed; `newId` gives 32 random hex digits. */
export function createRequests(parts: {
  store: Pick<Store, 'read' | 'write' | 'set' | 'delete'>
  key: () => Uint8Array
  newId: () => string
  now: () => Date
}): Requests {
  const { store, key, newId, now } = parts

  function sealed(request: Request): string {
    const text = sealRequest(request, key())
    if (text === undefined) throw new AppError('InternalError', 'A request is larger than 64 KB.', { retry: 'never' })
    return text
  }

  async function findById(id: string | undefined): Promise<RequestRead> {
    const text = id === undefined ? undefined : await store.read(requestRecord(id))
    if (id === undefined || text === undefined) return { problem: unknown }
    const request = openRequest(text, id, key())
    return request ? { request } : { problem: notOurs }
  }

  async function readById(id: string | undefined): Promise<RequestRead> {
    const read = await findById(id)
    const isOver = read.request !== undefined && read.request.endedAt !== ''
    return isOver ? { problem: 'it was answered already; nothing to do' } : read
  }

  return {
    async put(asked, files) {
      const request: Request = { ...asked, id: newId(), at: await timeFor(asked, parts), endedAt: '' }
      if (files) await store.write(filesKey(request.id), sealFiles(files, request.id, key()), { ttlMs: hour })
      await store.write(requestRecord(request.id), sealed(request), { ttlMs: waitingMs })
      return request
    },
    async read({ kind, namespace, name }) {
      const read = await readById(requestIdOf(name))
      if (!read.request) return read
      const { ask, namespace: home } = read.request
      const isMeant = ask.kind === kind && home === namespace && requestJobName(read.request) === name
      return isMeant ? read : { problem: unknown }
    },
    find: async (id) => (isRequestId(id) ? (await findById(id)).request : undefined),
    async end(request) {
      // what was done must not be done again because Redis did not hear of it
      await store.set(requestRecord(request.id), sealed({ ...request, endedAt: now().toISOString() }), {
        ttlMs: endedMs,
      })
      await store.delete(filesKey(request.id))
    },
    async files(id) {
      const text = await store.read(filesKey(id))
      return text === undefined ? undefined : openFiles(text, id, key())
    },
    async putPlan(plan) {
      const place = planKey(plan.id)
      await store.set(place, seal(JSON.stringify(plan), { place, key: key() }), { ttlMs: planMs })
    },
    dropPlan: (id) => store.delete(planKey(id)),
    async plan(id) {
      if (!isRequestId(id)) return undefined
      const place = planKey(id)
      const text = await store.read(place)
      const body = text === undefined ? undefined : open(text, { place, key: key() })
      if (body !== undefined) return JSON.parse(body) as Plan
      const { request } = await readById(id)
      return request?.ask.kind.startsWith('plan-') ? emptyPlan(request, 'queued') : undefined
    },
    async putAnswer(answer) {
      const place = answerKey(answer.id)
      await store.set(place, seal(JSON.stringify(answer), { place, key: key() }), { ttlMs: endedMs })
    },
    async answer(id) {
      if (!isRequestId(id)) return undefined
      const place = answerKey(id)
      const text = await store.read(place)
      const body = text === undefined ? undefined : open(text, { place, key: key() })
      if (body !== undefined) return JSON.parse(body) as ImageAnswer
      const { request } = await readById(id)
      return request?.ask.kind === 'update-images' ? emptyAnswer(request, 'queued') : undefined
    },
  }
}

function filesKey(id: string): string {
  return `request-files:${id}`
}

function answerKey(id: string): string {
  return `image-answer:${id}`
}

function planKey(id: string): string {
  return `plan:${id}`
}
