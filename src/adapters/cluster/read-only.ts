import { AppError } from '../../domain/error.ts'
import { idOf, type KubeObject, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import type { Account } from './impersonate.ts'
import type { Applied, ApplyOptions } from './send-apply.ts'

/** What of a cluster writes, and what gives more of the kind. */
type Writing<Itself> = {
  apply(object: KubeObject, options: ApplyOptions, signal?: AbortSignal): Promise<Applied>
  takeOver(ref: ObjectRef, signal?: AbortSignal): Promise<unknown>
  recreate(object: KubeObject, uid: string, options: ApplyOptions, signal?: AbortSignal): Promise<Applied>
  create(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  replace(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  patch(ref: ObjectRef, patch: Record<string, unknown>): Promise<KubeObject>
  delete(ref: ObjectRef, preconditions: object, signal?: AbortSignal): Promise<unknown>
  as(account: Account): Itself
  fenced(check: () => void): Itself
}

/** The cluster with every write refused as `ReadOnly` before it is sent; reads, watches and dry runs go through, for all accounts. */
export function readOnly<C extends Writing<C>>(cluster: C): C {
  return {
    ...cluster,
    async apply(object: KubeObject, options: ApplyOptions, signal?: AbortSignal) {
      if (options.dryRun !== true) refuse('applied', refOf(object))
      return await cluster.apply(object, options, signal)
    },
    takeOver: async (ref: ObjectRef) => refuse('taken over', ref),
    recreate: async (object: KubeObject) => refuse('made again', refOf(object)),
    create: async (object: KubeObject) => refuse('created', refOf(object)),
    replace: async (object: KubeObject) => refuse('changed', refOf(object)),
    patch: async (ref: ObjectRef) => refuse('changed', ref),
    delete: async (ref: ObjectRef) => refuse('deleted', ref),
    as: (account: Account) => readOnly(cluster.as(account)),
    fenced: (check: () => void) => readOnly(cluster.fenced(check)),
  }
}

function refuse(what: string, ref: ObjectRef): never {
  const message = `${idOf(ref)} is not ${what}: this Capstan was started with --read-only`
  throw new AppError('ReadOnly', message, { retry: 'never' })
}
