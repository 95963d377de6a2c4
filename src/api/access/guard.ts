import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../domain/error.ts'
import { printRight, type Right } from '../../domain/access/right.ts'
import type { AppOptions } from '../app-options.ts'
import { tokenOf, isSame } from '../auth.ts'
import type { Problem } from '../contract/problem.ts'
import { cameOpenly } from '../loopback.ts'
import { problem, problemOf, sendProblem } from '../problem.ts'
import { createBucket } from './bucket.ts'
import type { Caller } from './caller.ts'
import { ownedBy } from './found.ts'
import { rightsOf, type Rule } from './rule.ts'
import { ruleOf } from './rules.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no token (W34). */
    open?: boolean
    /** Needs no token on the listener for whoever shares the pod or may forward its ports (ruling 3). */
    openOnLoopback?: boolean
    /** How a caller is refused, where that is not a problem of ours. */
    refuse?: (request: FastifyRequest, reply: FastifyReply, told: Problem) => FastifyReply
    /** What it asks of its callers; filled in from the table of rules. */
    rule?: Rule
  }
  interface FastifyRequest {
    caller: Caller
    /** Whether the caller has a right now, for what is looked at again later. */
    may(right: Right): Promise<boolean>
    /** Whether the caller would be let in now as it was when the request came. */
    mayStay(): Promise<boolean>
  }
}

type Options = Pick<AppOptions, 'token' | 'access' | 'views' | 'requests' | 'now' | 'limits'>

/** Calls of one caller, and what an address may try with wrong tokens (hazard L9). */
const usualLimits = { calls: { perSecond: 50, burst: 400 }, mistakes: { perSecond: 1, burst: 30 } }

/**
 * Lets nobody in whom the rule of the route does not: who calls is known before anything is read, what they may do before it is done.
 * A route without a rule is refused when it is registered. When the cluster cannot be asked nobody is let in, with 503 (hazard L2).
 */
export function guard(app: FastifyInstance, options: Options): void {
  const clock = (): number => options.now().getTime()
  const { calls, mistakes } = options.limits ?? usualLimits
  const mayCall = createBucket({ ...calls, now: clock })
  const mayTry = createBucket({ ...mistakes, now: clock })
  app.decorateRequest('caller', undefined as never)
  app.decorateRequest('may', undefined as never)
  app.decorateRequest('mayStay', undefined as never)

  app.addHook('onRoute', (route) => {
    const methods = [route.method].flat()
    const found = methods.map((method) => ruleOf(method, route.url))
    const [rule] = found
    if (!rule || found.includes(undefined)) {
      throw new Error(`${methods.join(', ')} ${route.url} has no row in src/api/access/rules.ts`)
    }
    route.config = { ...route.config, rule, ...(rule.who === 'open' ? { open: true } : {}) }
  })

  app.addHook('onRequest', async (request, reply) => {
    const told = await admit(request)
    if (told) await refuse(request, reply, told)
  })

  // a body is read for who is known; what it asks for is looked at before it is done
  app.addHook('preHandler', async (request, reply) => {
    const { rule } = request.routeOptions.config
    if (request.caller.kind !== 'user' || rule?.who !== 'asked') return
    const told = await denial(request, rule.rightsOf(request, options.access?.home ?? ''))
    if (told) await refuse(request, reply, told)
  })
  app.addHook('preHandler', nameAsker)

  async function admit(request: FastifyRequest): Promise<Problem | undefined> {
    const { open, openOnLoopback, rule } = request.routeOptions.config
    request.may = async (right) => (await denial(request, [right])) === undefined
    request.mayStay = async () => (await admitAgain(request)) === undefined
    if (open === true || (openOnLoopback === true && cameOpenly(request))) {
      request.caller = { kind: 'open' }
      return undefined
    }
    const mustWait = mayTry(request.ip, { take: false })
    const caller = await callerOf(request, { ask: mustWait === 0 })
    if (!caller) return request.headers.authorization === undefined ? problem('Unauthorized') : mistake(request.ip)
    if ('problem' in caller) return caller.problem
    request.caller = caller
    const wait = mayCall(caller.kind === 'user' ? `user ${caller.user.username}` : `token ${request.ip}`)
    return wait > 0 ? tooMany(wait) : await allowed(request, rule)
  }

  /** Who brings none has guessed at nothing; who brings a wrong one may not do so for ever, nor make us ask the cluster each time. */
  function mistake(address: string): Problem {
    const seconds = mayTry(address)
    return seconds > 0 ? tooMany(seconds) : problem('Unauthorized')
  }

  async function admitAgain(request: FastifyRequest): Promise<Problem | undefined> {
    if (request.caller.kind === 'open') return undefined
    const caller = await callerOf(request, { ask: true })
    if (!caller) return problem('Unauthorized')
    if ('problem' in caller) return caller.problem
    return await allowed(request, request.routeOptions.config.rule)
  }

  async function callerOf(
    { headers: { authorization } }: FastifyRequest,
    { ask }: { ask: boolean },
  ): Promise<Caller | { problem: Problem } | undefined> {
    const given = tokenOf(authorization)
    if (given === undefined) return undefined
    const own = options.token()
    if (own !== '' && isSame(given, own)) return { kind: 'token' }
    if (!options.access || !ask) return undefined
    try {
      const user = await options.access.whose(given)
      return user && { kind: 'user', user }
    } catch (error) {
      return { problem: unanswered(error) }
    }
  }

  async function allowed(request: FastifyRequest, rule: Rule | undefined): Promise<Problem | undefined> {
    if (request.caller.kind !== 'user') return undefined
    const home = options.access?.home ?? ''
    if (rule?.who === 'may') return await denial(request, rightsOf(rule.needs, request, home))
    if (rule?.who !== 'found') return undefined
    const id = rule.idOf(request)
    const found = await ownedBy(rule.find, id, options)
    // who asked for something may see what became of it
    if (rule.verb === 'get' && found?.by === request.caller.user.username) return undefined
    const { resource, namespace } = found ?? { resource: 'jobs' as const, namespace: home }
    const told = await denial(request, [{ verb: rule.verb, resource, namespace }])
    if (!found) return told?.status === 503 ? told : undefined
    // who may not see it learns nothing about whether it is there
    return told?.status === 403 ? problem('NotFound', `There is no ${words[rule.find]} ${id} (any more).`) : told
  }

  async function denial({ caller }: FastifyRequest, rights: readonly Right[]): Promise<Problem | undefined> {
    if (caller.kind !== 'user' || !options.access) return undefined
    for (const right of rights) {
      const may = await options.access.may(caller.user, right).catch(unanswered)
      if (may === true) continue
      if (may !== false) return may
      return {
        ...problem('NotAllowed', `${caller.user.username} may not ${printRight(right)}.`),
        unblock:
          right.namespace === ''
            ? 'Name a namespace in which you may, or ask for a ClusterRoleBinding to view, edit or admin.'
            : `Ask for a RoleBinding to view, edit or admin in namespace ${right.namespace}.`,
      }
    }
    return undefined
  }
}

const words = { jobs: 'job', plans: 'plan', images: 'answer', fluxJob: 'job' } as const

async function refuse(request: FastifyRequest, reply: FastifyReply, told: Problem): Promise<void> {
  const { refuse: own } = request.routeOptions.config
  await (own?.(request, reply, told) ?? sendProblem(reply, told))
}

/** Could not be asked is never yes and never no. */
function unanswered(error: unknown): Problem {
  const told = problemOf(
    error instanceof AppError ? error : new AppError('ClusterUnavailable', 'The API server did not answer in time.'),
  )
  return { ...told, status: 503, detail: `Who may do this could not be asked: ${told.detail}`, retryAfter: 5 }
}

function tooMany(seconds: number): Problem {
  return { ...problem('TooManyRequests'), retryAfter: Math.max(1, seconds) }
}

/** Who is proved is named so, whatever the body claims (W1). */
async function nameAsker(request: FastifyRequest): Promise<void> {
  if (request.caller.kind !== 'user') return
  const { username } = request.caller.user
  for (const part of [request.body, request.query])
    if (part !== null && typeof part === 'object' && !Buffer.isBuffer(part)) (part as { by?: string }).by = username
}
