import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { suggest } from '../../lib/suggest.ts'
import type { ReleaseRow } from '../release-row.ts'
import type { RowReader } from '../rows.ts'

/** What there is to ask about, as far as it could be read. */
export type Candidates = {
  sources: readonly SourceSpec[]
  releases: readonly ReleaseRow[]
  /** HelmReleases as they are in the cluster. */
  helmReleases: readonly KubeObject[]
  workloads: readonly KubeObject[]
}

const mostSuggested = 3

/**
 * Reads the lists that the status is made of, too: up to two seconds old, or not older than `notBefore` (Unix milliseconds). Throws when
 * they have never been read.
 */
export async function readCandidates(
  rows: RowReader,
  sources: readonly SourceSpec[],
  notBefore: number | undefined,
): Promise<Candidates> {
  const asked = rows.workloads(notBefore)
  const [{ rows: releases, facts }, { reading, failure }] = await Promise.all([rows.releases(asked, notBefore), asked])
  const unread = (facts.reading ? undefined : facts.failure) ?? (reading ? undefined : failure)
  if (unread) throw unread
  const { ofSources, ofReleases } = reading?.value ?? { ofSources: [], ofReleases: [] }
  const workloads = new Map([...ofSources, ...ofReleases].map((object) => [idOf(refOf(object)), object]))
  return { sources, releases, helmReleases: facts.reading?.value.objects ?? [], workloads: [...workloads.values()] }
}

/** Names near the one that was asked for, each in the form in which it can be asked for. */
export function suggestNames(text: string, { sources, releases, workloads }: Candidates): string[] {
  const all = [
    ...workloads.map((object) => idOf(refOf(object))),
    ...releases.map(({ namespace, name }) => `release/${namespace}/${name}`),
    ...sources.map(({ namespace, name }) => `source/${namespace}/${name}`),
  ]
  const wanted = lastPart(text)
  const same = all.filter((id) => lastPart(id) === wanted)
  const near = suggest(wanted, [...new Set(all.map(lastPart))])
  const found = [...same, ...all.filter((id) => lastPart(id) === near), ...all.filter((id) => id.includes(wanted))]
  return [...new Set(found)].filter((id) => id !== text).slice(0, mostSuggested)
}

function lastPart(id: string): string {
  return id.slice(Math.max(id.lastIndexOf('/'), id.lastIndexOf(':')) + 1)
}
