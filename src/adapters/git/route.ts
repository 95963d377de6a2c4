import { isIP } from 'node:net'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import { type GitPlace, gitPlace } from '../../domain/source/git-url.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import { put } from './put.ts'
import type { Reach } from './remote.ts'

/**
 * Those addresses of a host that a repository may be on, the operator's own or somebody else's. Empty where it has others only; rejects
 * where nobody knows the host.
 */
export type AddressesOf = (host: string, whose: { isForeign: boolean }) => Promise<readonly string[]>

/** Files in the home of a credential that send git and ssh to addresses that were checked. */
export const routeFiles = { git: 'route', ssh: 'route-ssh' } as const

/** Nothing can be connected to it: who is sent there gets through by a proxy or not at all. */
const nowhere = '255.255.255.255'

/**
 * Decides where the host of a remote is, once, before git asks it: git and ssh then go to these very addresses, so that nobody can answer
 * differently the second time (hazard J7, ruling 15). Where only the operator's proxy, git or ssh configuration knows the host, these
 * decide. git before 2.37 looks the name up again. Throws GitUnreachable for a host that may not be asked, in the words for one that is
 * not there: nobody shall learn from it what there is inside.
 */
export async function prepareRoute(
  reach: Reach,
  home: string,
  options: {
    addressesOf?: AddressesOf
    environment: Readonly<Record<string, string>>
    gitConfigFile?: string
    sshConfigFile?: string
  },
  signal: AbortSignal,
): Promise<void> {
  const place = gitPlace(reach.url)
  const { addressesOf } = options
  if (!place || !addressesOf) return
  const found = await untilAborted(
    addressesOf(place.host, reach).catch(() => undefined),
    signal,
  )
  const isElsewhereKnown = found === undefined && isKnownOtherwise(place, reach, options)
  if (!isElsewhereKnown && !found?.length) {
    const why = 'its name is not known, or it is private, which --tenants does not allow, or link-local'
    throw new AppError('GitUnreachable', `${reach.shown}: the host has no address that may be asked: ${why}`)
  }
  await put(join(home, routeFiles.git), gitRoute(place, found ?? [nowhere]))
  // ssh takes one address; the operator's own host keeps all that it has, any of which may be away
  const isPinned = found !== undefined && (reach.isForeign || found.length === 1)
  await put(join(home, routeFiles.ssh), isPinned ? sshRoute(place, found) : '')
}

/** By what the operator has set for this remote. */
function isKnownOtherwise(
  { scheme }: GitPlace,
  { isForeign }: Reach,
  options: { environment: Readonly<Record<string, string>>; gitConfigFile?: string; sshConfigFile?: string },
): boolean {
  // git's may send what is written for ssh elsewhere
  if (!isForeign && options.gitConfigFile !== undefined) return true
  if (scheme === 'ssh') return !isForeign && options.sshConfigFile !== undefined
  const names = scheme === 'http' ? ['http_proxy'] : ['https_proxy', 'HTTPS_PROXY']
  return [...names, 'all_proxy', 'ALL_PROXY'].some((name) => (options.environment[name] ?? '') !== '')
}

function gitRoute({ scheme, host, port }: GitPlace, addresses: readonly string[]): string {
  if (scheme === 'ssh' || isIP(host)) return ''
  const list = addresses.map((address) => (isIP(address) === 6 ? `[${address}]` : address)).join(',')
  return `[http]\n\tcurloptResolve = "${host}:${port}:${list}"\n`
}

/** The host's key stays the one that is known by its name. */
function sshRoute({ scheme, host, port }: GitPlace, [address = '']: readonly string[]): string {
  if (scheme !== 'ssh' || isIP(host)) return ''
  const name = host.toLowerCase()
  const alias = port === 22 ? name : `[${name}]:${port}`
  return `HostName ${address}\nHostKeyAlias ${alias}\nCheckHostIP no\n`
}
