import { LRUCache } from 'lru-cache'
import { AppError } from '../../domain/error.ts'
import type { RateBudget } from '../../domain/image/rate-budget.ts'
import { splitRepository } from '../../domain/image/ref.ts'
import type { Logger } from '../../lib/logger.ts'
import type { RegistryAccess } from './access.ts'
import { type Authorize, createAuthorize } from './authorize.ts'
import { type Answer, BadAnswer, type Connections } from './connections.ts'
import { failureOf, networkWords, pauseAfter, rateLimited, unreachable } from './failure.ts'
import type { KnownImages } from './memory.ts'
import type { Pace } from './pace.ts'
import { pause } from './pause.ts'
import { isLinkLocal } from './redirect.ts'

export type Ask = {
  /** Path below the repository (`/tags/list`), or a whole URL on the same registry. */
  target: string | URL
  method?: 'GET' | 'HEAD'
  accept: string
  maxBytes: number
  /** What is asked for, for messages: "the tags". */
  what: string
}

/** Requests about one repository. */
export type RepositoryRequests = {
  readonly host: string
  readonly path: string
  /** Of the job; each request ends with it by itself. */
  readonly signal: AbortSignal | undefined
  /** Any answer but 401, 429 and 5xx, which are thrown. */
  send(ask: Ask): Promise<Answer>
  failure(ask: Ask, answer: Answer): AppError
  /** All that was wanted was there: the host can bear a little more. */
  readWhole(): void
  readonly images: KnownImages
  /** The registry counts manifests that are read, and not those whose digest alone is asked for (Docker Hub). */
  readonly countsPulls: boolean
}

export type Requests = {
  open(repository: string, access: RegistryAccess, signal: AbortSignal | undefined): RepositoryRequests
  /** Of the repository's host; sends nothing. */
  budget(repository: string, access: RegistryAccess): Promise<RateBudget>
}

/** What is known of a host. */
export type Host = {
  readonly name: string
  pace: Pace
  /** Where its API is; found at the first request of an insecure host. */
  base: URL | undefined
}

const hubDomain = 'index.docker.io'
const hubApi = 'https://registry-1.docker.io'
const mostHosts = 1_000
/** A request that broke off is sent so often in all. */
const tries = 3
const firstRetryMs = 100
const pingBytes = 64 * 1024

export function createRequests(deps: {
  connections: Connections
  log: Logger
  /** Each request is told at the level that people see. */
  trace: boolean
  images: KnownImages
  paceOf: (host: string) => Pace
}): Requests {
  const { connections, log, trace, images, paceOf } = deps
  const hosts = new LRUCache<string, Host>({ max: mostHosts })
  const authorize = createAuthorize(connections)

  function hostOf(name: string): Host {
    const known = hosts.get(name)
    if (known) return known
    const host: Host = { name, pace: paceOf(name), base: undefined }
    hosts.set(name, host)
    return host
  }

  function split(repository: string, access: RegistryAccess) {
    const found = splitRepository(repository)
    if (!found) throw new AppError('RegistryUnreachable', 'not the name of an image repository', { retry: 'never' })
    return { ...found, known: hostOf(access.insecure ? `${found.host} insecure` : found.host) }
  }

  return {
    open(repository, access, signal) {
      const { host: name, path, known: host } = split(repository, access)
      const about = { host, name, path, access, signal }
      return {
        host: name,
        path,
        signal,
        images,
        countsPulls: name === hubDomain,
        send: (ask) => sendPatiently({ connections, authorize, log, trace }, about, ask),
        readWhole: () => host.pace.succeeded(),
        failure: ({ what }, answer) => failureOf(name, `${what} of ${path}`, answer),
      }
    },
    budget: async (repository, access) => await split(repository, access).known.pace.budget(),
  }
}

type Deps = { connections: Connections; authorize: Authorize; log: Logger; trace: boolean }
type About = { host: Host; name: string; path: string; access: RegistryAccess; signal: AbortSignal | undefined }

/** Sends again what broke off or met a server in trouble, a moment later. */
async function sendPatiently(deps: Deps, about: About, ask: Ask): Promise<Answer> {
  const { host, name, signal } = about
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const sent = await host.pace.take(() => sendOnce(deps, about, ask), signal)
    if ('answer' in sent) return sent.answer
    if (!sent.isPassing || attempt === tries) throw sent.failure
    deps.log.debug({ registry: name, attempt }, `asked again: ${sent.failure.message}`)
    await pause(firstRetryMs * 2 ** (attempt - 1) * (0.5 + Math.random()), signal)
  }
}

/** `isPassing`: worth another try at once. */
type SentOnce = { answer: Answer } | { failure: AppError; isPassing: boolean }

/** Rejects only for what is not the registry's doing. */
async function sendOnce(deps: Deps, about: About, ask: Ask): Promise<SentOnce> {
  const { host, name, path, signal } = about
  try {
    const answer = await sendAuthorized(deps, about, ask)
    if (answer.status === 429) {
      const afterMs = await host.pace.refused(pauseAfter(answer, Date.now()), answer)
      return { failure: rateLimited(name, afterMs), isPassing: false }
    }
    await host.pace.answered(answer)
    const isRefused = answer.status === 401 || answer.status === 403 || answer.status >= 500
    if (!isRefused) return { answer }
    return { failure: failureOf(name, `${ask.what} of ${path}`, answer), isPassing: answer.status >= 500 }
  } catch (error) {
    if (signal?.aborted) throw signal.reason as Error
    if (error instanceof AppError) {
      // the token server's: without a token every repository of the host would ask it again
      if (typeof error.retry === 'object' && 'afterMs' in error.retry) await host.pace.refused(error.retry.afterMs)
      return { failure: error, isPassing: false }
    }
    host.base = undefined
    if (error instanceof BadAnswer) return { failure: unreachable(name, error.message, error), isPassing: false }
    return { failure: unreachable(name, networkWords(error), error), isPassing: true }
  }
}

/**
 * With the token that is known; one that is refused is replaced once (hazard E1). A page that a redirect put on another origin is
 * asked for without any: a login is for its registry alone.
 */
async function sendAuthorized(deps: Deps, about: About, ask: Ask): Promise<Answer> {
  const { path, access, signal } = about
  const base = await baseOf(deps, about)
  const { target, method = 'GET', accept, maxBytes } = ask
  const url = typeof target === 'string' ? new URL(`/v2/${path}${target}`, base) : target
  const wanted = { registry: base, path, access, signal }
  const send = async (authorization: string | undefined) => {
    const started = performance.now()
    const headers = { accept, ...(authorization ? { authorization } : {}) }
    const tls = url.origin === base.origin ? access.tls : undefined
    const answer = await deps.connections.send({
      url,
      method,
      headers,
      maxBytes,
      insecure: access.insecure,
      tls,
      signal,
    })
    if (deps.trace) {
      const durationMs = Math.round(performance.now() - started)
      deps.log.info(
        { registry: about.name, method, path: url.pathname, status: answer.status, durationMs },
        'asked a registry',
      )
    }
    return answer
  }
  if (url.origin !== base.origin) return await send(undefined)
  const known = deps.authorize.known(wanted)
  const answer = await send(known)
  if (answer.status !== 401) return answer
  const fresh = await deps.authorize.renew(wanted, known, answer.headers['www-authenticate'])
  return fresh === undefined ? answer : await send(fresh)
}

/** An insecure host is asked once whether it speaks TLS. Docker Hub is none: who says so has another registry by its name. */
async function baseOf({ connections }: Deps, { host, name, access, signal }: About): Promise<URL> {
  if (host.base) return host.base
  const secure = new URL(name === hubDomain && !access.insecure ? hubApi : `https://${name}`)
  if (isLinkLocal(secure.hostname)) throw new BadAnswer('not an address of a registry')
  if (!access.insecure) return secure
  const ping = async (base: URL) =>
    await connections.send({
      url: new URL('/v2/', base),
      method: 'GET',
      headers: {},
      maxBytes: pingBytes,
      insecure: true,
      tls: access.tls,
      signal,
    })
  try {
    await ping(secure)
    host.base = secure
  } catch {
    signal?.throwIfAborted()
    const plain = new URL(`http://${name}`)
    await ping(plain)
    host.base = plain
  }
  return host.base
}
