import { createHash } from 'node:crypto'
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

/** Tokens that were taken lately, as digests; the one that was brought longest ago is forgotten first. */
const mostKnown = 2000

/**
 * Looks for a caller with the one token, then with the cluster; who brings wrong tokens may not make us ask the cluster for ever. Behind a
 * proxy many people have one address: a token that was taken before is asked for whatever others try.
 */
export function createIdentify(options: Pick<AppOptions, 'token' | 'access' | 'now' | 'limits'>): Identify {
  const { access } = options
  const clock = (): number => options.now().getTime()
  const mayTry = createBucket({ ...(options.limits?.mistakes ?? usualMistakes), now: clock })

  const known = new Set<string>()

  function remember(digest: string): void {
    known.delete(digest)
    known.add(digest)
    for (const oldest of known) {
      if (known.size <= mostKnown) break
      known.delete(oldest)
    }
  }

  async function find(token: string, ip: string): Promise<Caller | undefined> {
    const own = options.token()
    if (own !== '' && isSame(token, own)) return { kind: 'token' }
    const digest = createHash('sha256').update(token).digest('base64')
    if (!known.has(digest) && mayTry(ip, { take: false }) > 0) return undefined
    const user = await access?.whose(token)
    if (user) remember(digest)
    else known.delete(digest)
    return user && { kind: 'user', user }
  }

  return async ({ headers: { authorization }, ip }) => {
    // who brings none has guessed at nothing
    if (authorization === undefined) return { problem: problem('Unauthorized') }
    const token = tokenOf(authorization)
    try {
      const caller = token === undefined ? undefined : await find(token, ip)
      if (caller) return { caller }
    } catch (error) {
      return { problem: unanswered(error) }
    }
    const seconds = mayTry(ip)
    return { problem: seconds > 0 ? tooMany(seconds) : problem('Unauthorized') }
  }
}
