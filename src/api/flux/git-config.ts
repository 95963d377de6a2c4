import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Identity } from '../contract/process.ts'
import type { AppOptions } from '../app-options.ts'
import { userError } from './errors.ts'
import { fluxSource } from './flux-source.ts'

/** The public half of the deploy key, in fluxd's shape. */
export type PublicKey = {
  key: string
  fingerprints: Record<string, { hash: string; randomart: string }>
}

/** What fluxctl wants to know of the repository before it asks for a sync. */
export type GitConfig = {
  remote: { url: string; branch: string; path: string }
  publicSSHKey: PublicKey
  status: 'ready' | 'new' | 'unreachable' | 'unconfigured'
  errors: string
}

type Options = Pick<AppOptions, 'views' | 'enqueue' | 'identity' | 'renewIdentity'>

/**
 * The repository of the flag source, how it is reached, and the deploy key; with `regenerate` a new one. fluxctl asks for no sync while
 * it hears that the repository is out of reach, so that is tried again at once.
 */
export async function gitConfig(regenerate: boolean, options: Options): Promise<GitConfig> {
  const publicSSHKey = regenerate ? await renewedKey(options) : await publicKey(options)
  const spec = fluxSource(options.views)
  const source = spec && (await options.views.standing(spec.namespace, spec.name))
  if (!spec || !source)
    return { remote: { url: '', branch: '', path: '' }, publicSSHKey, status: 'unconfigured', errors: '' }
  const isOut = source.head === '' && source.reason !== '' && source.fetchedAt !== ''
  if (isOut) await tryAgain(spec, options)
  return {
    remote: { url: source.url, branch: spec.branch, path: spec.paths.join(',') },
    publicSSHKey,
    status: isOut ? 'unreachable' : source.fetchedAt === '' ? 'new' : 'ready',
    errors: isOut ? source.message : '',
  }
}

/** What was asked is known also while Redis is away. */
async function tryAgain({ namespace, name }: SourceSpec, { enqueue }: Options): Promise<void> {
  const work = { kind: 'fetch-source', namespace, name, reason: 'requested by fluxctl', lane: 'person' } as const
  await enqueue(work).catch(() => undefined)
}

/** The deploy key; without text where there is none. */
export async function publicKey({ identity }: Pick<AppOptions, 'identity'>): Promise<PublicKey> {
  const found = await identity?.()
  return !found || 'none' in found ? { key: '', fingerprints: {} } : keyOf(found)
}

async function renewedKey({ renewIdentity }: Pick<AppOptions, 'renewIdentity'>): Promise<PublicKey> {
  if (!renewIdentity) throw userError('there is no deploy key that could be made anew')
  const made = await renewIdentity()
  if ('none' in made) throw userError(made.none)
  return keyOf(made)
}

function keyOf({ publicKey: key, fingerprints }: Identity): PublicKey {
  return { key, fingerprints }
}
