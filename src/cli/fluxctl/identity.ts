import { cleanLine } from '../print/clean.ts'
import type { Verb } from './context.ts'
import { Failure } from './failure.ts'

/** `fluxctl identity`. */
export const identity: Verb = async ({ flags, words, api, out }) => {
  if (words.length > 0) throw new Failure('expected no (non-flag) arguments')
  const { publicSSHKey } = await api.gitConfig(flags.on('regenerate'))
  const { hash = '', randomart = '' } = publicSSHKey.fingerprints?.md5 ?? {}
  const isVisual = flags.on('visual')
  const text = flags.on('fingerprint') || isVisual ? `${hash}\n${isVisual ? randomart : ''}` : publicSSHKey.key
  out.write(text.split('\n').map(cleanLine).join('\n'))
}
