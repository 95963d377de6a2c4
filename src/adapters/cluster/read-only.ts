import { AppError } from '../../domain/error.ts'
import { idOf, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import type { Cluster } from './index.ts'

/** The cluster with every write refused as `ReadOnly` before it is sent; reads, watches and dry runs go through, for all accounts. */
export function readOnly(cluster: Cluster): Cluster {
  return {
    ...cluster,
    async apply(object, options, signal) {
      if (options.dryRun !== true) refuse('applied', refOf(object))
      return await cluster.apply(object, options, signal)
    },
    takeOver: async (ref) => refuse('taken over', ref),
    recreate: async (object) => refuse('made again', refOf(object)),
    create: async (object) => refuse('created', refOf(object)),
    replace: async (object) => refuse('changed', refOf(object)),
    patch: async (ref) => refuse('changed', ref),
    delete: async (ref) => refuse('deleted', ref),
    as: (account) => readOnly(cluster.as(account)),
  }
}

function refuse(what: string, ref: ObjectRef): never {
  const message = `${idOf(ref)} is not ${what}: this Capstan was started with --read-only`
  throw new AppError('ReadOnly', message, { retry: 'never' })
}
