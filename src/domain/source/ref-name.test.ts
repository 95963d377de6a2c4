import { describe, expect, it } from 'vitest'
import { isRefName } from './ref-name.ts'

const good = ['main', 'release/1.2', 'v1.2.3', 'feature-x', 'ümlaut', 'a@b', '0123456789abcdef0123456789abcdef01234567']
const bad: [string, string][] = [
  ['an empty text', ''],
  ['the at sign alone', '@'],
  ['an option', '--upload-pack=evil'],
  ['an option in a part', 'a/-b'],
  ['a hidden part', 'a/.b'],
  ['two dots', 'a..b'],
  ['a reflog entry', 'main@{1}'],
  ['an empty part', 'a//b'],
  ['a slash at the start', '/main'],
  ['a slash at the end', 'main/'],
  ['a lock file', 'main.lock'],
  ['a dot at the end', 'main.'],
  ['a refspec', 'a:b'],
  ['an ancestor', 'main~1'],
  ['a pattern', 'v*'],
  ['a blank', 'a b'],
  ['a line break', 'a\nb'],
  ['more than 250 characters', 'a'.repeat(251)],
]

describe('isRefName', () => {
  it.each(good)('takes %s', (ref) => expect(isRefName(ref)).toBe(true))
  it.each(bad)('refuses %s', (_what, ref) => expect(isRefName(ref)).toBe(false))
})
