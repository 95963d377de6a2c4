import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Right } from '../../domain/access/right.ts'
import type { AppOptions } from '../app-options.ts'
import type { Problem } from '../contract/problem.ts'
import type { BrowserSessions } from '../browser-sessions.ts'
import { cameOpenly } from '../loopback.ts'
import { problem, sendProblem } from '../problem.ts'
import { createRateLimit } from '../rate-limit.ts'
import { createBucket } from './bucket.ts'
import type { Caller } from './caller.ts'
import { denialOf, tooMany } from './denial.ts'
import { ownedBy } from './found.ts'
import { createIdentify, type Identified, type Identify } from './identify.ts'
import { type Need, rightsOf, type Rule } from './rule.ts'
import { ruleOf } from './rules.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no token (W34). */
    open?: boolean
    /** Needs no token on the listener for whoever shares the pod or may forward its ports (ruling 3). */
    openOnLoopback?: boolean
    /** Let in besides: browsers with a session, which can send no token (W39). Only for routes that change nothing. */
    browsers?: boolean
    /** How a caller is refused, where that is not a problem of ours. */
    refuse?: (request: FastifyRequest, reply: FastifyReply, told: Problem) => FastifyReply
    /** What it asks of its callers; filled in from the table of rules. */
    rule?: Rule
  }
  interface FastifyRequest {
    caller: Caller
    /** Whether the caller has a right now, for what is looked at again later. */
    may: (right: Right) => Promise<boolean>
    /** Whether the caller would be let in now as it was when the request came. */
    mayStay: () => Promise<boolean>
  }
}

type Options = Pick<AppOptions, 'token' | 'access' | 'views' | 'requests' | 'now' | 'limits' | 'openRefresh'> & {
  sessions: Pick<BrowserSessions, 'read'>
}

/** Calls of one caller (hazard L9). */
const usualCalls = { perSecond: 50, burst: 400 }
/** Refreshes of all who bring no token, together (ruling 3). */
const openRefreshes = 12

/**
 * Lets nobody in whom the rule of the route does not: who calls is known before anything is read, what they may do before it is done.
 * A route without a rule is refused when it is registered. When the cluster cannot be asked nobody is let in, with 503 (hazard L2).
 */
export function guard(app: FastifyInstance, options: Options): void {
  const identify = createIdentify(options)
  const mayCall = createBucket({ ...(options.limits?.calls ?? usualCalls), now: () => options.now().getTime() })
  const mayRefresh = createRateLimit(openRefreshes, () => options.now().getTime())
  app.decorateRequest('caller', undefined as never)
  app.decorateRequest('may', undefined as never)
  app.decorateRequest('mayStay', undefined as never)

  app.addHook('onRoute', giveRule)
  app.addHook('onRequest', async (request, reply) => {
    request.may = async (right) => (await denialOf(request.caller, [right], options.access)) === undefined
    request.mayStay = async () => (await admit(request, { identify, options })) === undefined
    const told = await admit(request, { identify, options, wait })
    if (told) await refuse(request, reply, told)
  })
  // a body is read for who is known; what it asks for is looked at before it is done
  app.addHook('preHandler', async (request, reply) => {
    const { rule } = request.routeOptions.config
    if (request.caller.kind !== 'user' || rule?.who !== 'asked') return
    const rights = rule.rightsOf(request, { home: homeOf(options), sources: () => options.views.sourceSpecs() })
    // what names nothing asks for nothing that anybody could have a right to
    const nothing = rights.length === 0 ? problem('NotAllowed', 'The request names nothing.') : undefined
    const told = nothing ?? (await denialOf(request.caller, rights, options.access))
    if (told) await refuse(request, reply, told)
  })
  app.addHook('preHandler', nameAsker)

  function wait(caller: Caller, address: string): Problem | undefined {
    if (caller.kind === 'open') return mayRefresh('anybody') ? undefined : tooMany(60)
    const seconds = mayCall(caller.kind === 'user' ? `user ${caller.user.username}` : `${caller.kind} ${address}`)
    return seconds > 0 ? tooMany(seconds) : undefined
  }
}

/** Fills in what a route asks for from the table. */
function giveRule(route: RouteOptions): void {
  const methods = [route.method].flat()
  const found = methods.map((method) => ruleOf(method, route.url))
  const [rule] = found
  if (!rule || found.includes(undefined)) {
    throw new Error(`${methods.join(', ')} ${route.url} has no row in src/api/access/rules.ts`)
  }
  route.config = { ...route.config, rule, ...(rule.who === 'open' ? { open: true } : {}) }
}

/** Names the caller of a request; gives why the caller is not let in. */
async function admit(
  request: FastifyRequest,
  parts: { identify: Identify; options: Options; wait?: (caller: Caller, address: string) => Problem | undefined },
): Promise<Problem | undefined> {
  const { identify, options, wait } = parts
  const { open, openOnLoopback, rule } = request.routeOptions.config
  if (open === true || (openOnLoopback === true && cameOpenly(request))) {
    request.caller = { kind: 'open' }
    return undefined
  }
  if (mayRefreshOpenly(request, options)) {
    request.caller = { kind: 'open' }
    return wait?.(request.caller, request.ip)
  }
  const { caller, problem: why } = inBrowser(request, options) ?? (await identify(request))
  if (!caller) return why
  request.caller = caller
  // who calls too often makes us ask for no rights either
  const late = wait?.(caller, request.ip)
  if (late) return late
  const needs = neededFirst(rule)
  if (needs) return await denialOf(caller, rightsOf(needs, request, homeOf(options)), options.access)
  return rule?.who === 'found' && caller.kind === 'user' ? await hidden(request, rule, options) : undefined
}

/** Who brings a token is held to it. */
function mayRefreshOpenly(
  { routeOptions, headers }: FastifyRequest,
  { openRefresh }: Pick<Options, 'openRefresh'>,
): boolean {
  const { rule } = routeOptions.config
  return openRefresh === true && headers.authorization === undefined && rule?.who === 'may' && rule.isRefresh === true
}

/** What is asked for before the body is read. */
function neededFirst(rule: Rule | undefined): readonly Need[] | undefined {
  return rule?.who === 'may' || rule?.who === 'asked' ? rule.needs : undefined
}

/** Who let a browser in, where the route is for browsers. */
function inBrowser(request: FastifyRequest, { sessions }: Options): Identified | undefined {
  if (request.routeOptions.config.browsers !== true) return undefined
  const session = sessions.read(request)
  return session && { caller: session.user ? { kind: 'user', user: session.user } : { kind: 'browser' } }
}

/** What an id names is not there for who may not see it, and asking for it takes as long. */
async function hidden(
  request: FastifyRequest,
  rule: Extract<Rule, { who: 'found' }>,
  options: Options,
): Promise<Problem | undefined> {
  const { caller } = request
  const id = rule.idOf(request)
  const found = await ownedBy(rule.find, id, options)
  // who asked for something may see what became of it
  if (rule.verb === 'get' && caller.kind === 'user' && found?.by === caller.user.username) return undefined
  const { resource, namespace, besides } = found ?? {
    resource: 'jobs' as const,
    namespace: homeOf(options),
    besides: [],
  }
  const told = await denialOf(caller, [{ verb: rule.verb, resource, namespace }, ...besides], options.access)
  if (told?.status !== 403) return told
  return found ? problem('NotFound', `There is no ${words[rule.find]} ${id} (any more).`) : undefined
}

const words = { jobs: 'job', plans: 'plan', images: 'answer', fluxJob: 'job' } as const

function homeOf({ access }: Pick<AppOptions, 'access'>): string {
  return access?.home ?? ''
}

async function refuse(request: FastifyRequest, reply: FastifyReply, told: Problem): Promise<void> {
  const { refuse: own } = request.routeOptions.config
  await (own?.(request, reply, told) ?? sendProblem(reply, told))
}

/** Who is proved is named so, whatever the body claims (W1). */
async function nameAsker({ caller, body, query }: FastifyRequest): Promise<void> {
  if (caller.kind !== 'user') return
  for (const part of [body, query])
    if (part !== null && typeof part === 'object' && !Buffer.isBuffer(part))
      (part as { by?: string }).by = caller.user.username
}
