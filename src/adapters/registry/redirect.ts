import { isIP } from 'node:net'

/**
 * Where a redirect of a registry leads; undefined where it must not be followed. Storage on another host is usual, so any host is
 * fine over https, and over http where the registry itself is insecure; never one that only this machine's network knows.
 */
export function followable(location: string, from: URL, insecure: boolean): URL | undefined {
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (!url || !isWeb(url, insecure) || isLinkLocal(url.hostname)) return undefined
  return url
}

/** The next page that a `Link` header names: on the same origin and below the API, or `refused`; undefined where there is none. */
export function nextPage(link: string | undefined, from: URL): URL | 'refused' | undefined {
  const [, target] = /<([^<>]*)>\s*;[^,]*\brel="?next"?/i.exec((link ?? '').slice(0, 8192)) ?? []
  if (target === undefined) return undefined
  const url = URL.canParse(target, from.href) ? new URL(target, from) : undefined
  return url && url.origin === from.origin && url.pathname.startsWith('/v2/') ? url : 'refused'
}

/**
 * Whether a registry may send us to this place for a token (hazard E6): its own host, or one of the same registrable domain
 * (auth.docker.io for registry-1.docker.io), over https, over http only where the registry itself is insecure.
 */
export function isTokenRealm(realm: string, registry: URL, insecure: boolean): boolean {
  const url = URL.canParse(realm) ? new URL(realm) : undefined
  if (!url || !isWeb(url, insecure) || url.username !== '' || url.password !== '') return false
  if (url.hostname === registry.hostname) return true
  if (isAddress(url.hostname) || isAddress(registry.hostname)) return false
  const domain = registrableDomain(registry.hostname)
  return domain !== undefined && domain === registrableDomain(url.hostname)
}

function isWeb(url: URL, insecure: boolean): boolean {
  return url.protocol === 'https:' || (insecure && url.protocol === 'http:')
}

/** The last two labels, three where the last two are of the kind of `co.uk`. */
function registrableDomain(host: string): string | undefined {
  const labels = host.toLowerCase().replace(/\.$/, '').split('.')
  const last = labels.at(-1) ?? ''
  const count = last.length === 2 && (labels.at(-2) ?? '').length <= 3 ? 3 : 2
  return labels.length >= count ? labels.slice(-count).join('.') : undefined
}

function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0
}

/** Addresses of the machine's own link, where clouds serve credentials. Takes the host as a URL prints it. */
export function isLinkLocal(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  return (
    host.startsWith('169.254.') ||
    (/^fe[89ab]/.test(host) && host.includes(':')) ||
    host.startsWith('::ffff:a9fe:') ||
    host.startsWith('fd00:ec2:') ||
    host === 'metadata.google.internal'
  )
}
