import { existsSync } from 'node:fs'
import type { GitRemote } from '../adapters/git/index.ts'
import { sameRepository } from '../domain/source/git-url.ts'
import type { Parts } from './wire.ts'

/**
 * How a chart's repository is reached when its HelmRelease names no Secret. That of the flags goes as it is there. ssh goes with the
 * operator's key, which was the Operator's way for every host (helm-operator §6.3): a server learns nothing from it but who we are. A
 * password or token is for its own repository alone, and the credentials of a Source object for those of its namespace. For tenants
 * nothing of the operator's is used.
 */
export async function chartRemote(
  url: string,
  from: { sources: Pick<Parts['sources'], 'list' | 'remote'>; deployKeyFile: string; areTenants: boolean },
): Promise<GitRemote> {
  const { sources, deployKeyFile, areTenants } = from
  if (areTenants) return { url, isForeign: true }
  const flagged = sources.list().find((spec) => spec.origin === 'flags')
  const isOwn = flagged !== undefined && sameRepository(flagged.url, url)
  if (isOwn) return { ...(await sources.remote(flagged)), url }
  if (/^https?:/i.test(url)) return { url, isUsers: true }
  const { auth } = flagged ? await sources.remote(flagged) : {}
  const key = existsSync(deployKeyFile) ? ({ kind: 'ssh', privateKeyFile: deployKeyFile } as const) : undefined
  const given = auth?.kind === 'ssh' ? auth : key
  return { url, isUsers: true, ...(given ? { auth: given } : {}) }
}
