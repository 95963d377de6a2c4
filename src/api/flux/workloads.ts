import { hasPolicy } from '../../domain/manifest/annotations.ts'
import { parseId } from '../../domain/manifest/object-id.ts'
import { printRef } from '../../domain/image/ref.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Views } from '../../views/create-views.ts'
import type { WorkloadQuery, WorkloadRow } from '../../views/workload-rows.ts'
import { badRequest, userError } from './errors.ts'
import { fluxSource } from './flux-source.ts'

/** A workload with Go's names of fields (flux-v1 §23). */
export type ControllerStatus = {
  ID: string
  Containers: { Name: string; Current: { ID: string } }[] | null
  ReadOnly: ReadOnly
  Status: string
  Rollout: {
    Desired: number
    Updated: number
    Ready: number
    Available: number
    Outdated: number
    /** Null where there are none: fluxctl takes an empty list for a problem. */
    Messages: string[] | null
  }
  SyncError: string
  Antecedent: string
  Labels: Record<string, string> | null
  Automated: boolean
  Locked: boolean
  Ignore: boolean
  Policies: Record<string, string> | null
}

/** Why a workload cannot be changed in git; empty where it can. */
type ReadOnly = '' | 'NotInRepo' | 'NoRepo' | 'NotReady' | 'ReadOnlyMode'

/** The workloads of a namespace (all where it is empty), or those of a comma list of IDs. */
export async function listServices(
  { namespace = '', services = '' }: { namespace?: string; services?: string },
  views: Views,
): Promise<ControllerStatus[]> {
  if (namespace !== '' && services !== '')
    throw userError("cannot filter by 'namespace' and 'workloads' at the same time")
  const query: WorkloadQuery = services === '' ? { namespace } : { ids: services.split(',').map(readId) }
  const [rows, absent] = await Promise.all([views.workloads(query), whyAbsent(views)])
  return rows.map((row) => statusOf(row, absent))
}

/** The ID of a workload. Throws for a text that is none. */
export function readId(text: string): NonNullable<ReturnType<typeof parseId>> {
  const id = parseId(text)
  if (!id) throw badRequest(`parsing service spec "${text}": invalid ID`)
  return id
}

async function whyAbsent(views: Views): Promise<ReadOnly> {
  const source = fluxSource(views)
  if (!source) return views.sourceSpecs().length === 0 ? 'NoRepo' : 'NotInRepo'
  return (await views.appliedCommits(source)).length === 0 ? 'NotReady' : 'NotInRepo'
}

function statusOf(row: WorkloadRow, absent: ReadOnly): ControllerStatus {
  const { desired, updated, ready, available, outdated, messages, status } = row.rollout
  const { policies, source } = row
  return {
    ID: row.id,
    Containers: orNull(row.containers.map(({ name, image }) => ({ Name: name, Current: { ID: printRef(image) } }))),
    ReadOnly: readOnlyOf(source, absent),
    Status: status,
    Rollout: {
      Desired: desired,
      Updated: updated,
      Ready: ready,
      Available: available,
      Outdated: outdated,
      Messages: orNull(messages),
    },
    SyncError: row.syncError,
    Antecedent: parseId(row.antecedent) ? row.antecedent : '',
    Labels: row.object.metadata.labels ?? null,
    Automated: hasPolicy(policies, 'automated'),
    Locked: hasPolicy(policies, 'locked'),
    Ignore: hasPolicy(policies, 'ignore'),
    Policies: source ? Object.fromEntries(policies) : null,
  }
}

function readOnlyOf(source: SourceSpec | undefined, absent: ReadOnly): ReadOnly {
  if (!source) return absent
  return source.readonly ? 'ReadOnlyMode' : ''
}

function orNull<T>(list: readonly T[]): T[] | null {
  return list.length > 0 ? [...list] : null
}
