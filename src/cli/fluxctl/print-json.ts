import { escapeUnsafe } from '../print/json.ts'
import type { Container, Image, Workload, WorkloadImages } from './api.ts'
import { sortKeys } from './sort-keys.ts'

/** Workloads on one line, with the fields that fluxctl writes, in its order. */
export function workloadsJson(workloads: readonly Workload[] | null): string {
  return print(workloads?.map(workloadOf) ?? null)
}

/** Images of workloads, likewise. */
export function imagesJson(images: readonly WorkloadImages[]): string {
  return print(images.map(({ ID, Containers }) => ({ ID, Containers: Containers?.map(containerOf) ?? null })))
}

function workloadOf(workload: Workload): object {
  const { Containers, Labels, Policies } = workload
  const maps = { Labels: Labels && sortKeys(Labels), Policies: Policies && sortKeys(Policies) }
  return { ...workload, Containers: Containers?.map(containerOf) ?? null, ...maps }
}

const counts = ['AvailableImagesCount', 'NewAvailableImagesCount', 'FilteredImagesCount', 'NewFilteredImagesCount']

/** Go leaves out what is empty, except for a struct. */
function containerOf(container: Container): Record<string, unknown> {
  const { Name, Current, LatestFiltered, Available, AvailableError } = container
  return {
    ...(Name ? { Name } : {}),
    Current: imageOf(Current),
    LatestFiltered: imageOf(LatestFiltered as Image | undefined),
    ...(Available && Available.length > 0 ? { Available: Available.map(imageOf) } : {}),
    ...(AvailableError ? { AvailableError } : {}),
    ...Object.fromEntries(counts.flatMap((name) => (container[name] ? [[name, container[name]]] : []))),
  }
}

function imageOf({ ID = '', Digest, ImageID, Labels = {}, CreatedAt, LastFetched }: Image = {}): object {
  return {
    ID,
    ...(Digest ? { Digest } : {}),
    ...(ImageID ? { ImageID } : {}),
    Labels,
    ...(CreatedAt ? { CreatedAt: timeOf(CreatedAt) } : {}),
    ...(LastFetched ? { LastFetched: timeOf(LastFetched) } : {}),
  }
}

/** Without zeros at the end of a second's fraction. */
function timeOf(text: string): string {
  return text.replace(/(\.\d*?)0+Z$/, '$1Z').replace('.Z', 'Z')
}

/** As Go writes it, which escapes what HTML could take for a tag; what a terminal could act on is escaped, too. */
function print(value: unknown): string {
  const html: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' }
  return `${escapeUnsafe(JSON.stringify(value)).replaceAll(/[<>&]/g, (one) => html[one] ?? one)}\n`
}
