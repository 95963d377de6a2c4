import type { Action } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { cleanLine } from '../print/clean.ts'

export type IdentityOptions = { fingerprint: boolean; visual: boolean; regenerate: boolean }

/** `capstan identity`: prints the bytes that `fluxctl identity` prints (flux-v1 §24). */
export const showIdentity: Action<IdentityOptions> = async (context, { fingerprint, visual, regenerate }) => {
  const { out, signal } = context
  if (regenerate) await context.flux().gitConfig(true)
  const { publicKey, fingerprints } = await context.client().identity({ signal })
  const { hash, randomart } = fingerprints.md5
  const text = fingerprint || visual ? `${hash}\n${visual ? randomart : ''}` : publicKey
  out.write(text.split('\n').map(cleanLine).join('\n'))
  return exitCodes.done
}
