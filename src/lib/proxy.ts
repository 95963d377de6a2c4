/**
 * The proxy that the environment names for a URL, as Go's clients take it: `http_proxy` or `https_proxy` by the scheme, unless `no_proxy`
 * has the host; also in capitals. A proxy may be named without a scheme. This machine itself is never asked by way of one. Throws where
 * it is no URL.
 */
export function proxyFor(url: URL, environment: Readonly<Record<string, string>>): string | undefined {
  const read = (name: string) => environment[name] || environment[name.toUpperCase()] || ''
  const given = read(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy')
  if (given === '' || isThisMachine(url) || isExcepted(url, read('no_proxy'))) return undefined
  const proxy = given.includes('://') ? given : `http://${given}`
  if (!URL.canParse(proxy)) throw new Error('the proxy that the environment names is no URL')
  return proxy
}

function isThisMachine({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

function isExcepted(url: URL, noProxy: string): boolean {
  return noProxy
    .toLowerCase()
    .split(/[,\s]+/)
    .some((entry) => entry !== '' && isNamedBy(entry, url))
}

/** `*`, `host`, `.domain`, `*.domain`, an address, a range of addresses of version 4; with or without a port. */
function isNamedBy(entry: string, { hostname, port, protocol }: URL): boolean {
  if (entry === '*') return true
  const [, name = entry, onlyPort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? []
  if (onlyPort !== undefined && onlyPort !== (port || (protocol === 'https:' ? '443' : '80'))) return false
  if (name.includes('/')) return isInRange(hostname, name)
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  const domain = name.replace(/^\*?\.|^\[|\]$/g, '')
  const isDomainOnly = /^\*?\./.test(name)
  return (host === domain && !isDomainOnly) || host.endsWith(`.${domain}`)
}

function isInRange(hostname: string, range: string): boolean {
  const [net = '', bits = ''] = range.split('/')
  const [address, from] = [numberOf(hostname), numberOf(net)]
  if (address === undefined || from === undefined || !/^\d+$/.test(bits)) return false
  const size = 2 ** (32 - Number(bits))
  return Math.floor(address / size) === Math.floor(from / size)
}

function numberOf(address: string): number | undefined {
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(address)) return undefined
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}
