import type { Cluster } from '../../adapters/cluster/index.ts'
import { AppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { encodeInventory, type Inventory } from '../../domain/plan/inventory.ts'
import {
  arePartNames,
  inventoryKey,
  partBytes,
  partName,
  readParts,
  type Unpack,
} from '../../domain/plan/inventory-parts.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { emptyStatus, type SourceStatus, statusRef } from '../../domain/source/status.ts'
import { parseSourceStatus, readSourceStatus } from '../../domain/source/stored-status.ts'
import { readSuspension, type Suspension } from '../../domain/status/suspension.ts'
import type { Fence } from '../../domain/work/fence.ts'

/** Compression, handed in because jobs touch no Node module of their own. */
export type Packer = { pack: (text: string) => Promise<Uint8Array>; unpack: Unpack }

export type LedgerDeps = {
  cluster: Pick<Cluster, 'get' | 'list' | 'create' | 'replace' | 'delete'>
  fence: Fence
  packer: Packer
  now: () => Date
}

/** What the cluster remembers about a source: its status and its inventory. */
export type Ledger = {
  status: SourceStatus
  /** Undefined when there is none, or when it could not be read whole: it is then made anew from what carries our mark. */
  inventory: Inventory | undefined
  /** Why what was kept could not be read; empty where it could, and where nothing was. */
  lost: string
  /** The commit whose mass deletion somebody approved, from the annotation on the status. */
  approved: string
  /** Who stopped the source: the annotation on the status, or the Source object itself. */
  suspended: Suspension | undefined
  /** Annotations on the status that are not ours to lose. */
  annotations: Readonly<Record<string, string>>
  resourceVersion: string
  /** The writer and the time of the status that is stored. */
  before: Pick<SourceStatus, 'holder' | 'changedAt'>
}

/** `kubectl annotate configmap capstan-source-<name> capstan.dev/approve-deletion=<commit>` lets a held mass deletion go. */
export const approveAnnotation = 'capstan.dev/approve-deletion'
/** `{"by":"…","why":"…","since":"…"}`: the source is not synced until it is taken away. */
export const suspendAnnotation = 'capstan.dev/suspend'
/** `allow`: somebody else may move the sync tag, and nothing is held up for it. */
export const otherWriterAnnotation = 'capstan.dev/other-writer'
const writeAttempts = 4
const sourceLabel = 'capstan.dev/source'
/** In the place of the digest of an inventory that went with the status: until one is stored, it counts as lost. */
const lostDigest = 'lost'

const lostStatus: SourceStatus = { ...emptyStatus, inventory: { parts: [], digest: lostDigest, count: 0 } }

/**
 * Reads status and inventory. `known` saves reading the parts again when the digest is the same. A status that is damaged or of a
 * version that we do not know is as if nothing was done yet, and what it named is lost.
 */
export async function readLedger(
  deps: LedgerDeps,
  spec: SourceSpec,
  known: { digest: string; inventory: Inventory } | undefined,
  signal: AbortSignal,
): Promise<Ledger> {
  const found = await deps.cluster.get(statusRef(spec), { signal })
  const status = readSourceStatus(found) ?? (hasStatus(found) ? lostStatus : emptyStatus)
  const annotations = found?.metadata.annotations ?? {}
  return {
    status,
    ...(await readInventory(deps, spec, { status, known }, signal)),
    approved: annotations[approveAnnotation] ?? '',
    suspended: spec.suspended ?? readSuspension(annotations[suspendAnnotation]),
    annotations,
    resourceVersion: found?.metadata.resourceVersion ?? '',
    before: status,
  }
}

function hasStatus(found: KubeObject | undefined): boolean {
  return ((found?.data as Record<string, string> | undefined)?.['status.json'] ?? '') !== ''
}

async function readInventory(
  deps: LedgerDeps,
  spec: SourceSpec,
  { status, known }: { status: SourceStatus; known: Parameters<typeof readLedger>[2] },
  signal: AbortSignal,
): Promise<Pick<Ledger, 'inventory' | 'lost'>> {
  const { digest } = status.inventory
  if (known?.digest === digest) return { inventory: known.inventory, lost: '' }
  if (digest === '') return { inventory: undefined, lost: '' }
  if (digest === lostDigest) {
    const { namespace, name } = statusRef(spec)
    return { inventory: undefined, lost: `the status in ConfigMap ${namespace}/${name} was damaged` }
  }
  const get = async (part: string) => await deps.cluster.get(configMapRef(spec, part), { signal })
  const read = await readParts(spec, status.inventory, { get, unpack: deps.packer.unpack })
  if ('inventory' in read) return { inventory: read.inventory, lost: '' }
  return { inventory: undefined, lost: `the inventory could not be read (${read.problem})` }
}

/**
 * Stores the inventory as new ConfigMaps (named by its digest, so that the stored one stays whole until the status names the
 * new one), then the status. Refuses when another live process holds the source: one writer per object (law 4).
 * `encoded` spares the encoding where the caller has it; `release`: this process writes no more in this sync, so that any other one may.
 */
export async function writeLedger(
  deps: LedgerDeps,
  spec: SourceSpec,
  {
    encoded,
    release = false,
    ...ledger
  }: Ledger & { encoded?: { content: string; digest: string }; release?: boolean },
  signal: AbortSignal,
): Promise<Ledger> {
  await checkHolder(deps, spec, ledger)
  const before = ledger.status.inventory
  const inventory = await storeInventory(deps, spec, { ...ledger, encoded }, signal)
  const status: SourceStatus = {
    ...ledger.status,
    holder: release ? '' : deps.fence.epoch,
    objects: inventory.count,
    inventory,
    changedAt: deps.now().toISOString(),
  }
  const { resourceVersion, annotations } = await writeStatus(deps, spec, { ...ledger, status }, signal)
  // what has another name is none of ours, whatever the status says
  for (const old of arePartNames(spec.name, before) ? before.parts : []) {
    if (!inventory.parts.includes(old)) await deps.cluster.delete(configMapRef(spec, old), {}, signal)
  }
  return { ...ledger, status, resourceVersion, annotations, before: status }
}

/** What could not be read stays as it is: stored as an empty one it would count as whole, and what it named would be orphaned. */
async function storeInventory(
  deps: LedgerDeps,
  spec: SourceSpec,
  {
    status: { inventory: before },
    inventory,
    encoded,
  }: Pick<Ledger, 'status' | 'inventory'> & { encoded: { content: string; digest: string } | undefined },
  signal: AbortSignal,
): Promise<SourceStatus['inventory']> {
  if (!inventory) return before
  const { content, digest } = encoded ?? encodeInventory(inventory)
  const parts = digest === before.digest ? before.parts : await writeParts(deps, spec, { content, digest }, signal)
  return { parts, digest, count: inventory.size }
}

async function checkHolder(deps: LedgerDeps, spec: SourceSpec, ledger: Ledger): Promise<void> {
  deps.fence.check()
  const { holder } = ledger.status
  if (holder === '' || holder === deps.fence.epoch || (await deps.fence.isDead(holder))) return
  throw new AppError(
    'OtherWriter',
    `source ${spec.namespace}/${spec.name} is being synced by ${holder}; tried again when that process is gone`,
  )
}

async function writeParts(
  deps: LedgerDeps,
  spec: SourceSpec,
  encoded: { content: string; digest: string },
  signal: AbortSignal,
): Promise<string[]> {
  const packed = Buffer.from(await deps.packer.pack(encoded.content))
  const count = Math.max(1, Math.ceil(packed.length / partBytes))
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const name = partName(spec.name, encoded.digest, index)
      const data = packed.subarray(index * partBytes, (index + 1) * partBytes).toString('base64')
      await createOrKeep(deps, { ...configMap(spec, name), binaryData: { [inventoryKey]: data } }, signal)
      return name
    }),
  )
}

/** A part's name says its content, so one that exists already (a crash between part and status) is the same. */
async function createOrKeep(deps: LedgerDeps, part: KubeObject, signal: AbortSignal): Promise<void> {
  const found = await deps.cluster.get(
    { apiVersion: 'v1', kind: 'ConfigMap', namespace: part.metadata.namespace ?? '', name: part.metadata.name },
    { signal },
  )
  if (!found) await deps.cluster.create(part, signal)
  else if (JSON.stringify(found.binaryData) !== JSON.stringify(part.binaryData)) {
    await deps.cluster.replace(
      { ...part, metadata: { ...part.metadata, resourceVersion: found.metadata.resourceVersion ?? '' } },
      signal,
    )
  }
}

type Stored = Pick<Ledger, 'resourceVersion' | 'annotations'>

/** People write annotations on it at any time: theirs are kept, and the write is done again. */
async function writeStatus(deps: LedgerDeps, spec: SourceSpec, ledger: Ledger, signal: AbortSignal): Promise<Stored> {
  let { resourceVersion, annotations }: Stored = ledger
  for (let attempt = 1; ; attempt += 1) {
    const object = statusObject(spec, { ...ledger, resourceVersion, annotations })
    try {
      const written = await (resourceVersion === ''
        ? deps.cluster.create(object, signal)
        : deps.cluster.replace(object, signal))
      return { resourceVersion: written.metadata.resourceVersion ?? '', annotations }
    } catch (error) {
      const isLost = error instanceof AppError && error.reason === 'OtherWriter' && attempt < writeAttempts
      const found = isLost ? await deps.cluster.get(statusRef(spec), { signal }) : undefined
      const text = (found?.data as Record<string, string> | undefined)?.['status.json']
      if (!found || !isWrittenBy(parseSourceStatus(text), ledger)) throw error
      resourceVersion = found.metadata.resourceVersion ?? ''
      annotations = found.metadata.annotations ?? {}
    }
  }
}

/** The stored status is the one that we read or wrote last: only something beside it has changed. */
function isWrittenBy(stored: SourceStatus | undefined, { before }: Ledger): boolean {
  return stored !== undefined && stored.changedAt === before.changedAt && stored.holder === before.holder
}

function statusObject(spec: SourceSpec, { annotations, resourceVersion, status }: Ledger): KubeObject {
  const body = configMap(spec, statusRef(spec).name)
  if (Object.keys(annotations).length > 0) body.metadata.annotations = { ...annotations }
  if (resourceVersion !== '') body.metadata.resourceVersion = resourceVersion
  return { ...body, data: { 'status.json': JSON.stringify(status) } }
}

function configMap(spec: SourceSpec, name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: spec.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'capstan', [sourceLabel]: spec.name },
    },
  }
}

function configMapRef(spec: SourceSpec, name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', namespace: spec.namespace, name }
}
