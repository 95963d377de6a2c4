import type { Context } from '../context.ts'
import type { FluxApi } from '../fluxctl/api.ts'
import type { NameKind, ReadNames } from './candidates.ts'

/** Somebody waits at a prompt. */
export const patienceMs = 2000

/** Names from the server of `capstan`. */
export function readNamesOf({ client, flux }: Context): ReadNames {
  const signal = AbortSignal.timeout(patienceMs)
  const named = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`
  const sources = async () => (await client().sources({ signal })).sources.map(named)
  const releases = async () => (await client().releases({ signal })).releases.map(named)
  const reads: Record<NameKind, () => Promise<string[]>> = {
    source: sources,
    release: releases,
    workload: async () => await workloadNames(flux()),
    namespace: async () => await namespaceNames(flux()),
    job: async () => (await client().jobs({ limit: 100 }, { signal })).jobs.map(({ id }) => id),
    sink: async () => (await client().sinks({ signal })).sinks.map(({ name }) => name),
    async subject() {
      const [one, two, three] = await Promise.all([sources(), releases(), workloadNames(flux())])
      return [...one.map((name) => `source/${name}`), ...two.map((name) => `release/${name}`), ...three]
    },
  }
  return async (kind) => {
    try {
      return await within(reads[kind]())
    } catch {
      return []
    }
  }
}

/** IDs of what runs. */
export async function workloadNames(flux: FluxApi): Promise<string[]> {
  return (await flux.workloads('')).map(({ ID }) => ID)
}

/** Where something runs. */
export async function namespaceNames(flux: FluxApi): Promise<string[]> {
  const all = (await workloadNames(flux)).map((id) => id.slice(0, id.indexOf(':')))
  return [...new Set(all)]
}

/** What takes longer than somebody waits is nothing. */
export async function within(names: Promise<string[]>): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), patienceMs)
  })
  return await Promise.race([names, late]).finally(() => clearTimeout(timer))
}
