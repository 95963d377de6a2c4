import type { FastifyRequest } from 'fastify'
import type { AppOptions } from '../app-options.ts'
import { isSame, tokenOf } from '../auth.ts'
import type { Problem } from '../contract/problem.ts'
import { problem } from '../problem.ts'
import { createBucket } from './bucket.ts'
import type { Caller } from './caller.ts'
import { tooMany, unanswered } from './denial.ts'

export type Identified = { caller: Caller; problem?: undefined } | { caller?: undefined; problem: Problem }
/** Who sends this request, by its token. */
export type Identify = (request: Pick<FastifyRequest, 'headers' | 'ip'>) => Promise<Identified>

/** What an address may try with wrong tokens (hazard L9). */
const usualMistakes = { perSecond: 1, burst: 30 }

/** Looks for a caller with the one token, then with the cluster; who brings wrong tokens may not make us ask the cluster for ever. */
export function createIdentify(options: Pick<AppOptions, 'token' | 'access' | 'now' | 'limits'>): Identify {
  const { access } = options
  const clock = (): number => options.now().getTime()
  const mayTry = createBucket({ ...(options.limits?.mistakes ?? usualMistakes), now: clock })

  async function find(token: string, mayAsk: boolean): Promise<Caller | undefined> {
    const own = options.token()
    if (own !== '' && isSame(token, own)) return { kind: 'token' }
    const user = mayAsk ? await access?.whose(token) : undefined
    return user && { kind: 'user', user }
  }

  return async ({ headers: { authorization }, ip }) => {
    // who brings none has guessed at nothing
    if (authorization === undefined) return { problem: problem('Unauthorized') }
    const token = tokenOf(authorization)
    const mayAsk = mayTry(ip, { take: false }) === 0
    try {
      const caller = token === undefined ? undefined : await find(token, mayAsk)
      if (caller) return { caller }
    } catch (error) {
      return { problem: unanswered(error) }
    }
    const seconds = mayTry(ip)
    return { problem: seconds > 0 ? tooMany(seconds) : problem('Unauthorized') }
  }
}
