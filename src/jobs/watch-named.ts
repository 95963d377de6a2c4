import type { Cluster, WatchEvent } from '../adapters/cluster/index.ts'
import type { ObjectRef } from '../domain/manifest/object.ts'

type Ref = ObjectRef & { namespace: string }

/** Watches of single objects by their names; metadata only, so no content of a Secret is ever held. */
export type NamedWatches = {
  /** Watches these objects from now on and no others. */
  follow(refs: readonly Ref[]): void
  stop(): void
}

/** With more names than this of one kind in one namespace a single watch of that namespace costs less. */
const mostSingle = 8

/**
 * `changed` is told the id of each object that was made, changed or deleted, and once of each when it is first watched: it may have
 * changed between the moment when somebody read it and now.
 */
export function watchNamed(cluster: Pick<Cluster, 'watch'>, changed: (id: string) => void): NamedWatches {
  const watches = new Map<string, { stop(): void }>()
  let wanted = new Set<string>()

  function start({ apiVersion, kind, namespace }: Ref, name?: string): { stop(): void } {
    const query = { apiVersion, kind, namespace, metadataOnly: true }
    const seen = new Map<string, string>()
    const tell = (one: string): void => {
      const id = idOf({ apiVersion, kind, namespace, name: one })
      if (wanted.has(id)) changed(id)
    }
    return cluster.watch(name === undefined ? query : { ...query, fieldSelector: `metadata.name=${name}` }, (event) => {
      for (const one of namesOf(event, seen)) tell(one)
    })
  }

  return {
    follow(refs) {
      wanted = new Set(refs.map(idOf))
      const needed = new Map<string, () => { stop(): void }>()
      for (const [place, names] of byPlace(refs)) {
        const [first] = names.values()
        if (!first) continue
        if (names.size > mostSingle) needed.set(place, () => start(first))
        else for (const ref of names.values()) needed.set(idOf(ref), () => start(ref, ref.name))
      }
      for (const [key, begin] of needed) if (!watches.has(key)) watches.set(key, begin())
      for (const [key, watch] of watches) {
        if (needed.has(key)) continue
        watch.stop()
        watches.delete(key)
      }
    },
    stop() {
      for (const watch of watches.values()) watch.stop()
      watches.clear()
    },
  }
}

/** `Kind namespace/name`, as people read it in the reason of a job. */
export function idOf({ kind, namespace, name }: Ref): string {
  return `${kind} ${namespace}/${name}`
}

function byPlace(refs: readonly Ref[]): Map<string, Map<string, Ref>> {
  const places = new Map<string, Map<string, Ref>>()
  for (const ref of refs) {
    const place = `${ref.kind} ${ref.namespace}`
    const names = places.get(place) ?? new Map<string, Ref>()
    places.set(place, names.set(ref.name, ref))
  }
  return places
}

/** Names whose version is not the one that was seen before. A list that says the same again names none. */
function namesOf(event: WatchEvent, seen: Map<string, string>): string[] {
  if (event.type === 'deleted') {
    seen.delete(event.object.metadata.name)
    return [event.object.metadata.name]
  }
  const items = event.type === 'changed' ? [event.object] : event.items
  const there = new Set(items.map(({ metadata }) => metadata.name))
  const gone = event.type === 'replaced' ? [...seen.keys()].filter((name) => !there.has(name)) : []
  for (const name of gone) seen.delete(name)
  const fresh = items.filter(({ metadata }) => seen.get(metadata.name) !== metadata.resourceVersion)
  for (const { metadata } of fresh) seen.set(metadata.name, metadata.resourceVersion ?? '')
  return [...gone, ...fresh.map(({ metadata }) => metadata.name)]
}
