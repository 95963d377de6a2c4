import { AppError } from '../../../domain/error.ts'
import { createSteadyClock } from '../../../lib/steady-clock.ts'
import type { RegistryAuth } from '../access.ts'

/** A login that a cloud gave for some time. */
export type Lent = { auth: RegistryAuth /** Milliseconds since 1970. */; until: number }

/** Logins that are asked for once and used until shortly before they end. */
export type Lending = {
  /** `ask` rejects with an Error of a few words; that is told as RegistryAuthFailed, and nobody is asked again for ten minutes. */
  borrow(key: string, what: string, ask: () => Promise<Lent>): Promise<RegistryAuth>
  /** Asked for anew next time: the registry refused it. */
  forget(key: string): void
}

const embargoMs = 10 * 60_000
/** A scan that begins with a login should end with it. */
const marginMs = 10 * 60_000

export function createLending(clock: () => number): Lending {
  const now = createSteadyClock(clock)
  /** Their times by the steady clock. */
  const known = new Map<string, Lent & { usableUntil: number }>()
  const failed = new Map<string, { why: string; until: number }>()
  const pending = new Map<string, Promise<Lent>>()

  async function renew(key: string, what: string, ask: () => Promise<Lent>): Promise<Lent> {
    try {
      const lent = await ask()
      const lifeMs = lent.until - clock()
      const until = now() + lifeMs
      known.set(key, { ...lent, until, usableUntil: until - Math.min(marginMs, lifeMs / 4) })
      failed.delete(key)
      return lent
    } catch (error) {
      const why = error instanceof Error ? error.message : 'no answer'
      failed.set(key, { why, until: now() + embargoMs })
      throw refusal(what, why)
    }
  }

  async function renewed(key: string, what: string, ask: () => Promise<Lent>): Promise<RegistryAuth> {
    const last = failed.get(key)
    if (last && now() < last.until) throw refusal(what, last.why)
    const running = pending.get(key) ?? renew(key, what, ask).finally(() => pending.delete(key))
    pending.set(key, running)
    return (await running).auth
  }

  return {
    async borrow(key, what, ask) {
      const lent = known.get(key)
      if (lent && now() < lent.usableUntil) return lent.auth
      try {
        return await renewed(key, what, ask)
      } catch (error) {
        // what is still good is used while its successor is not to be had
        if (lent && now() < lent.until) return lent.auth
        throw error
      }
    },
    forget(key) {
      known.delete(key)
    },
  }
}

function refusal(what: string, why: string): AppError {
  return new AppError('RegistryAuthFailed', `no login for ${what}: ${why}`)
}
