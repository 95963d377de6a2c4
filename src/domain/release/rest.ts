import { createHash } from 'node:crypto'
import { mapOf, textOf } from '../../lib/raw.ts'

/** Versions of objects by their keys; an empty text for one that is not there. */
export type Versions = Readonly<Record<string, string>>

/**
 * What a run had read that found nothing to do. As long as all of it is the same, another run would find nothing to do either, so none is
 * needed. It may be lost at any time.
 */
export type Rest = {
  /** Of Capstan itself: its version and what it was told of releases. */
  settings: string
  /** Digest of the chart. */
  chart: string
  /** helm's revisions, see {@link revisionsOf}; empty where the newest is among the objects, and the absence of a newer one. */
  revisions: string
  objects: Versions
}

type Revision = {
  metadata: { name: string; resourceVersion?: string; labels?: Readonly<Record<string, string>> | undefined }
}

/** helm's revisions of one release with their versions. Superseded ones say nothing that the newest does not say, too. */
export function revisionsOf(secrets: readonly Revision[]): string {
  const lines = secrets
    .filter(({ metadata }) => metadata.labels?.status !== 'superseded')
    .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion ?? ''}`)
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex').slice(0, 32)
}

/** True when each object is there in the version that was read, or is still absent. What `now` does not know counts as changed. */
export function areSame(objects: Versions, now: ReadonlyMap<string, string>): boolean {
  return Object.entries(objects).every(([id, version]) => now.get(id) === version)
}

/** Reads it as it was kept; undefined for what is none. */
export function parseRest(text: string | undefined): Rest | undefined {
  const raw = mapOf(text === undefined ? undefined : jsonOf(text))
  const [settings, chart, revisions] = [textOf(raw.settings), textOf(raw.chart), textOf(raw.revisions)]
  if (!settings || !chart) return undefined
  const objects = Object.entries(mapOf(raw.objects)).map(([id, version]) => [id, textOf(version)])
  return { settings, chart, revisions, objects: Object.fromEntries(objects) as Versions }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
