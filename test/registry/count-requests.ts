import type { Registry } from '../../playground/stack/registry.ts'

/** Reads of a registry by what was asked for. */
export type Requests = { tags: number; manifest: number; blob: number }

/** As the registry counts them itself; it must have been started with `metrics`. */
export async function countRequests({ metricsUrl = '' }: Registry): Promise<Requests> {
  const counts = { tags: 0, manifest: 0, blob: 0 }
  for (const line of (await (await fetch(metricsUrl)).text()).split('\n')) {
    const found = /^registry_http_requests_total\{.*handler="(tags|manifest|blob)",method="(?:get|head)"\}/.exec(line)
    if (found) counts[found[1] as keyof Requests] += Number(line.split(' ').at(-1))
  }
  return counts
}

export function requestsSince(before: Requests, after: Requests): Requests {
  const { tags, manifest, blob } = after
  return { tags: tags - before.tags, manifest: manifest - before.manifest, blob: blob - before.blob }
}
