import type { Cluster } from '../adapters/cluster/index.ts'
import { idOf } from '../domain/manifest/object.ts'
import type { Inventory } from '../domain/plan/inventory.ts'
import { readParts, type Unpack } from '../domain/plan/inventory-parts.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { SourceStatus } from '../domain/source/status.ts'
import { within } from './cached.ts'

/** An object that a source owns. */
export type ObjectRow = {
  source: string
  id: string
  apiVersion: string
  kind: string
  namespace: string
  name: string
  /** In git, of the last time that it was there. */
  file: string
  /** As git has it, as far as the last sync knows. */
  applied: boolean
  /** Why it stands still; empty where it does not. */
  reason: string
  message: string
}

const timeoutMs = 5000

/** Reads what sources own, out of their inventories; one that cannot be read is told in `notes`. */
export function createObjectReader(parts: {
  cluster: Pick<Cluster, 'get'>
  unpack?: Unpack
  statusOf: (spec: SourceSpec) => Promise<SourceStatus | undefined>
}): (specs: readonly SourceSpec[]) => Promise<{ objects: ObjectRow[]; notes: string[] }> {
  const { cluster, unpack } = parts
  const known = new Map<string, { digest: string; inventory: Inventory }>()

  async function read(spec: SourceSpec, { inventory: stored }: SourceStatus): Promise<Inventory | undefined> {
    const { namespace, name } = spec
    const { digest } = stored
    const key = `${namespace}/${name}`
    const before = known.get(key)
    if (before?.digest === digest) return before.inventory
    if (!unpack) return undefined
    const read = await within(timeoutMs, async (signal) => {
      const get = async (part: string) =>
        await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: part }, { signal })
      return await readParts(spec, stored, { get, unpack })
    })
    if (!('inventory' in read)) return undefined
    known.set(key, { digest, inventory: read.inventory })
    return read.inventory
  }

  return async (specs) => {
    const notes: string[] = []
    const lists = await Promise.all(
      specs.map(async (spec) => {
        const status = await parts.statusOf(spec)
        if (!status || status.inventory.count === 0) return []
        const inventory = await read(spec, status)
        if (!inventory) notes.push(`What source ${spec.namespace}/${spec.name} owns could not be read.`)
        return inventory ? rowsOf(spec, status, inventory) : []
      }),
    )
    return { objects: lists.flat(), notes }
  }
}

function rowsOf({ namespace, name }: SourceSpec, { failed, held }: SourceStatus, inventory: Inventory): ObjectRow[] {
  const troubles = new Map([...held, ...failed].map((trouble) => [trouble.id, trouble]))
  return [...inventory.values()].map(({ ref, file, applied, tried }) => {
    const id = idOf(ref)
    const { reason = '', message = '' } = troubles.get(id) ?? {}
    return {
      source: `${namespace}/${name}`,
      id,
      apiVersion: ref.apiVersion,
      kind: ref.kind,
      namespace: ref.namespace ?? '',
      name: ref.name,
      file,
      applied: applied !== '' && tried === '' && reason === '',
      reason,
      message,
    }
  })
}
