import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { User } from './access/caller.ts'
import { isSame } from './auth.ts'

/** Where links are kept for all replicas; may forget, and may be away. */
export type LinkStore = {
  set(key: string, value: string, options: { ttlMs: number }): Promise<void>
  /** The value, which is gone then: of all who ask at the same time one gets it. Rejects while the store is away. */
  take(key: string): Promise<string | undefined>
}

/** For whom a browser was let in, and until when (Unix milliseconds). */
export type Session = { until: number; user?: User }

/** Browsers that were let in to look (W39). They can change nothing: only routes for browsers know of sessions. */
export type BrowserSessions = {
  /** A code that lets one browser in, once and soon, as this user; left out: as who has the token of the file. */
  makeLink(user?: User): Promise<{ code: string; expiresAt: string }>
  /** The cookie for who brings the code and calls this server by the name in the request; undefined for one that was used, is old or was never given. */
  enter(code: string, request: Pick<FastifyRequest, 'headers' | 'protocol'>): Promise<string | undefined>
  /** Who came in; undefined without a cookie that was given for the name by which the server is called now. */
  read(request: Pick<FastifyRequest, 'headers'>): Session | undefined
}

const linkMs = 5 * 60_000
/** Hazard L1. */
const sessionMs = 12 * 60 * 60_000
/** So that memory does not grow with the number of links. */
const mostLinks = 1000

/**
 * Links are remembered by this process and, where there is one, by the store; a session is the cookie alone, signed with a key made from
 * the API's token, so that every replica knows it and a new token ends it.
 */
export function createBrowserSessions(parts: {
  token: () => string
  now: () => Date
  store?: LinkStore | undefined
}): BrowserSessions {
  const { token, store } = parts
  const now = (): number => parts.now().getTime()
  const links = new Map<string, Session>()
  const sign = (text: string): string =>
    createHmac('sha256', `browser session\n${token()}`).update(text).digest('base64url')
  // cookies of one host are shared by all its ports: each server has its own name for them
  const cookieName = (): string => `capstan-${createHash('sha256').update(sign('name')).digest('hex').slice(0, 8)}`

  /** For whom a link was made; once. */
  async function use(code: string): Promise<Session | undefined> {
    const key = keyOf(code)
    const mine = links.get(key)
    links.delete(key)
    // another replica may have let somebody in by it: what this one remembers counts only while nobody else can be asked
    const link = store ? await store.take(key).then(parse, () => mine) : mine
    return link && link.until > now() ? link : undefined
  }

  return {
    async makeLink(user) {
      const code = randomBytes(32).toString('base64url')
      const until = now() + linkMs
      for (const [key, old] of links) if (old.until <= now() || links.size >= mostLinks) links.delete(key)
      const link: Session = { until, ...(user ? { user } : {}) }
      links.set(keyOf(code), link)
      await store?.set(keyOf(code), JSON.stringify(link), { ttlMs: linkMs })
      return { code, expiresAt: new Date(until).toISOString() }
    },
    async enter(code, { headers, protocol }) {
      const link = token() === '' ? undefined : await use(code)
      if (!link) return undefined
      const text = Buffer.from(JSON.stringify({ ...link, until: now() + sessionMs })).toString('base64url')
      const parts = [`${cookieName()}=${text}.${sign(`${text} ${hostOf(headers)}`)}`, 'Path=/', 'HttpOnly']
      const safe = protocol === 'https' ? ['Secure'] : []
      return [...parts, 'SameSite=Strict', `Max-Age=${sessionMs / 1000}`, ...safe].join('; ')
    },
    read({ headers }) {
      if (token() === '') return undefined
      const start = `${cookieName()}=`
      const cookie = (headers.cookie ?? '').split(/; */).find((one) => one.startsWith(start))
      const [text = '', given = ''] = cookie?.slice(start.length).split('.') ?? []
      if (!isSame(given, sign(`${text} ${hostOf(headers)}`))) return undefined
      const session = parse(Buffer.from(text, 'base64url').toString())
      return session && session.until > now() ? session : undefined
    },
  }
}

/** Only for what this server wrote itself. */
function parse(text: string | undefined): Session | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Session)
}

/** A page of another site whose name was pointed here calls this server by that name (DNS rebinding). */
function hostOf(headers: FastifyRequest['headers']): string {
  return (headers.host ?? '').toLowerCase()
}

function keyOf(code: string): string {
  return `link:${createHash('sha256').update(code).digest('hex')}`
}
