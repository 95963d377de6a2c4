import { printObjects } from '../../domain/manifest/print-objects.ts'
import { AppError } from '../../domain/error.ts'
import type { AppOptions } from '../app-options.ts'
import { badRequest, FluxRefusal, refusalOf } from './errors.ts'
import { gitConfig } from './git-config.ts'
import { listImages } from './images.ts'
import { jobStatus } from './job-status.ts'
import { workOf } from './notify.ts'
import { readUpdate } from './read-update.ts'
import { syncStatus } from './sync-status.ts'
import { askForUpdate } from './update.ts'
import { listServices } from './workloads.ts'

export type RpcOptions = Pick<
  AppOptions,
  'views' | 'enqueue' | 'requests' | 'version' | 'identity' | 'renewIdentity'
> & {
  /** For one call (`--rpc-timeout`). */
  timeoutMs: number
}

/** Answers one request of Go's net/rpc in JSON with one line; undefined for what is no request. */
export type AnswerRpc = (line: string) => Promise<string | undefined>

type Method = (param: unknown, options: RpcOptions) => Promise<unknown>

/** What fluxd answers bare; everything else is wrapped, with errors of the caller's making beside the result (flux-v1 §22). */
const bare: Readonly<Record<string, Method>> = {
  Ping: async (_param, { views }) => {
    const { cluster } = await views.readiness()
    if (!cluster.reachable) throw new AppError('ClusterUnavailable', cluster.message)
    return {}
  },
  Version: async (_param, { version }) => version,
}

const wrapped: Readonly<Record<string, Method>> = {
  Export: async (_param, { views }) => Buffer.from(printObjects(await views.workloadObjects())).toString('base64'),
  ListServices: async (namespace, { views }) => await listServices({ namespace: textOf(namespace) }, views),
  // fluxd's own clients call it, though fluxd never had it
  ListServicesWithOptions: async (param, { views }) => {
    const { Namespace, Services } = mapOf(param)
    return await listServices({ namespace: textOf(Namespace), services: listOf(Services).join(',') }, views)
  },
  ListImages: async (service, options) => await listImages({ service: textOf(service) }, options),
  ListImagesWithOptions: async (param, options) => {
    const { Spec, Namespace, OverrideContainerFields } = mapOf(param)
    const containerFields = listOf(OverrideContainerFields).join(',')
    return await listImages({ service: textOf(Spec), namespace: textOf(Namespace), containerFields }, options)
  },
  UpdateManifests: async (spec, options) => await askForUpdate(readUpdate(spec), options),
  JobStatus: async (id, options) => await jobStatus(textOf(id), options),
  SyncStatus: async (ref, options) => await syncStatus(textOf(ref), options),
  GitRepoConfig: async (regenerate, options) => await gitConfig(regenerate === true, options),
}

/** What gives nothing back but that it is done. */
const told: Readonly<Record<string, Method>> = {
  NotifyChange: async (change, { views, enqueue }) => {
    for (const work of workOf(change, views)) await enqueue(work)
  },
}

/** The daemon's side of `--connect`: what a service may call, with fluxd's names, shapes and powers. */
export function createRpc(options: RpcOptions): AnswerRpc {
  return async (line) => {
    const request = parse(line)
    if (!request) return undefined
    const { id, method, params } = request
    const answer = await call(method, params[0], options)
    return `${JSON.stringify({ id, ...answer })}\n`
  }
}

type Answer = { result: unknown; error: string | null }

async function call(name: string, param: unknown, options: RpcOptions): Promise<Answer> {
  const short = /^RPCServer\.(\w+)$/.exec(name)?.[1] ?? ''
  const method = [bare, wrapped, told].find((table) => Object.hasOwn(table, short))?.[short]
  if (!method) return { result: null, error: `rpc: can't find method ${name}` }
  try {
    const result = await within(options.timeoutMs, method(param, options))
    if (Object.hasOwn(bare, short)) return { result, error: null }
    return { result: { ...(result === undefined ? {} : { Result: result }), ApplicationError: null }, error: null }
  } catch (error) {
    if (error instanceof FluxRefusal && !Object.hasOwn(bare, short))
      return { result: { ApplicationError: error.told }, error: null }
    return { result: null, error: refusalOf(error).told.error }
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AppError('ClusterUnavailable', 'context deadline exceeded')), ms)
  })
  return await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

function parse(line: string): { id: unknown; method: string; params: unknown[] } | undefined {
  try {
    const { id, method, params } = mapOf(JSON.parse(line))
    return typeof method === 'string' ? { id, method, params: Array.isArray(params) ? params : [] } : undefined
  } catch {
    return undefined
  }
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Go sends null for an empty list. */
function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(textOf) : []
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw badRequest('the parameter is not a text')
  return value
}
