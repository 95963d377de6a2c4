import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { isAllowed } from './address.ts'

export type GuardOptions = {
  /** Loopback and private addresses may be asked; default true. False with --tenants (ruling 15). */
  allowPrivate?: boolean
  /** For tests: all addresses of a name, instead of DNS. */
  resolve?: (host: string) => Promise<string[]>
}

/** Keeps connections from addresses that no user's URL may reach. */
export type Guard = {
  /** Gives a socket allowed addresses only. */
  lookup: LookupFunction
  /** An address in the URL itself is not looked up, so it is checked here. Throws for that, and for what is not http or https. */
  check(url: URL): void
  /** For a host that a proxy will look up again: rejects where any of its addresses may not be reached. Who only the proxy knows passes. */
  checkName(host: string): Promise<void>
  /** Those addresses of a host that may be reached: for programs that connect by themselves. Rejects where it has none at all. */
  addresses(host: string): Promise<string[]>
}

/**
 * A name is looked up once, its addresses are checked, and the connection goes to one of these very addresses, so that nobody can
 * answer differently the second time (hazard J7).
 */
export function createGuard({ allowPrivate = true, resolve = resolveName }: GuardOptions = {}): Guard {
  return {
    lookup: checkedLookup(resolve, allowPrivate) as LookupFunction,
    check: (url) => mustBeAllowed(url, allowPrivate),
    checkName: async (host) => await mustBeReachable(host, resolve, allowPrivate),
    addresses: async (host) => await allowedOf(host, resolve, allowPrivate),
  }
}

type Lookup = (
  host: string,
  options: { all?: boolean },
  callback: (error: Error | null, addresses: string | { address: string; family: number }[], family?: number) => void,
) => void

async function resolveName(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

async function allowedOf(
  host: string,
  resolve: (host: string) => Promise<string[]>,
  allowPrivate: boolean,
): Promise<string[]> {
  const addresses = isIP(host) ? [host] : await resolve(host)
  return addresses.filter((address) => isAllowed(address, allowPrivate))
}

async function mustBeReachable(
  host: string,
  resolve: (host: string) => Promise<string[]>,
  allowPrivate: boolean,
): Promise<void> {
  if (host.startsWith('[') || isIP(host)) return
  const found = await resolve(host).catch(() => [])
  if (!found.every((address) => isAllowed(address, allowPrivate)))
    throw new Error(`the address of ${host} is not allowed`)
}

/** A lookup for the socket that gives allowed addresses only. */
function checkedLookup(resolve: (host: string) => Promise<string[]>, allowPrivate: boolean): Lookup {
  async function allowed(host: string): Promise<{ address: string; family: number }[]> {
    const good = await allowedOf(host, resolve, allowPrivate)
    if (good.length === 0) throw new Error(`the address of ${host} is not allowed`)
    return good.map((address) => ({ address, family: isIP(address) }))
  }
  async function answer(...[host, { all }, callback]: Parameters<Lookup>): Promise<void> {
    const found = await allowed(host).catch((error: unknown) =>
      error instanceof Error ? error : new Error('no address'),
    )
    if (found instanceof Error) callback(found, [])
    else if (all) callback(null, found)
    else callback(null, found[0]?.address ?? '', found[0]?.family ?? 0)
  }
  return (...asked) => void answer(...asked)
}

function mustBeAllowed({ protocol, hostname }: URL, allowPrivate: boolean): void {
  if (protocol !== 'http:' && protocol !== 'https:') throw new Error(`${protocol.slice(0, -1)} is not allowed`)
  const address = hostname.replace(/^\[|\]$/g, '')
  if (isIP(address) && !isAllowed(address, allowPrivate)) throw new Error(`the address ${address} is not allowed`)
}
