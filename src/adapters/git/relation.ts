import type { Command } from './command.ts'
import { mustHave } from './objects.ts'
import { checkId } from './ref-name.ts'

export type Relation = 'same' | 'ahead' | 'rewritten'

/**
 * How a newer commit follows an older one: `ahead` when the older is behind it, `rewritten` when it is not, also when nobody has the
 * older one any more (hazard D2). By ancestry alone; dates do not count (D10).
 */
export async function relate(git: Command, older: string, newer: string): Promise<Relation> {
  checkId(older)
  checkId(newer)
  await mustHave(git, newer)
  if (older === newer) return 'same'
  const type = await git.text(['cat-file', '--batch-check=%(objecttype)'], { input: `${older}\n` })
  if (type.trim() !== 'commit') return 'rewritten'
  // a count is always printed; for an answer of nothing simple-git waits 50 ms
  const outside = await git.text(['rev-list', '--count', '--max-count=1', older, `^${newer}`, '--'])
  return outside.trim() === '0' ? 'ahead' : 'rewritten'
}
