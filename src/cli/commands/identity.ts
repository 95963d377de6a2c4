import type { Action } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { cleanLine } from '../print/clean.ts'

/** `capstan identity`: prints the bytes that `fluxctl identity` prints (flux-v1 §24). */
export const showIdentity: Action<{ fingerprint: boolean; visual: boolean }> = async (
  context,
  { fingerprint, visual },
) => {
  const { out, signal } = context
  const { publicKey, fingerprints } = await context.client().identity({ signal })
  const { hash, randomart } = fingerprints.md5
  const text = fingerprint || visual ? `${hash}\n${visual ? randomart : ''}` : publicKey
  out.write(text.split('\n').map(cleanLine).join('\n'))
  return exitCodes.done
}
