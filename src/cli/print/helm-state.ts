import { clean } from './clean.ts'
import type { Style } from './style.ts'

/** Helm's word for how a release stands, in the colour of its meaning; `absent` is ours. */
export function helmState(state: string, style: Style): string {
  const word = clean(state)
  if (word === 'deployed') return style.good(word)
  if (word === 'failed') return style.bad(word)
  return word === 'superseded' || word === 'uninstalled' ? style.faint(word) : style.warn(word)
}
