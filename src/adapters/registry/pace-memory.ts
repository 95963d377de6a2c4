import { type SaidBudget, toSaidBudget } from '../../domain/image/rate-budget.ts'
import { parseFields } from './image-time.ts'
import type { RegistryMemory } from './memory.ts'

/** What is remembered of a host's pace. */
export type KeptPace = {
  /** Milliseconds since 1970; 0 when nothing was wrong with the host. */
  until: number
  /** Requests a second. */
  rate: number
}

/** What of a host outlives the process and is shared with others. It may forget, and may be away. */
export type PaceMemory = {
  pace(): Promise<KeptPace | undefined>
  keepPace(kept: KeptPace): Promise<void>
  said(): Promise<SaidBudget | undefined>
  keepSaid(said: SaidBudget): Promise<void>
}

const ttlMs = 24 * 3600_000

/** Where the pace of that host lies in the memory. */
export function createPaceMemory(host: string, memory: RegistryMemory | undefined): PaceMemory {
  const [paceKey, saidKey] = [`registry-pace:${host}`, `registry-said:${host}`]
  const read = async (key: string) => parseFields((await memory?.get(key)) ?? '')
  return {
    async pace() {
      const found = await read(paceKey)
      if (typeof found?.until !== 'number' || typeof found.rate !== 'number') return undefined
      return { until: found.until, rate: found.rate }
    },
    keepPace: async ({ until, rate }) => await memory?.set(paceKey, JSON.stringify({ until, rate }), { ttlMs }),
    said: async () => toSaidBudget(await read(saidKey)),
    keepSaid: async (said) => await memory?.set(saidKey, JSON.stringify(said), { ttlMs }),
  }
}
