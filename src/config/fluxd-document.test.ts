import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Flag } from './flag.ts'
import { isFlagName } from './flags.ts'
import { fluxdFlags } from './flags/fluxd.ts'
import { fluxdDifferences } from './fluxd-differences.ts'
import { becameOf, fluxdDocument } from './fluxd-document.ts'

const all = Object.entries(fluxdFlags as Record<string, Flag>)
const page = readFileSync(new URL('../../docs/fluxd-flags.md', import.meta.url), 'utf8')
const rows = page.split('\n').filter((line) => line.startsWith('| `--'))

describe('docs/fluxd-flags.md', () => {
  it('says what the tables say (mend: npm run test:unit -- -u src/config)', async () => {
    await expect(fluxdDocument()).toMatchFileSnapshot('../../docs/fluxd-flags.md')
  })

  it('has each flag of fluxd once, and no other', () => {
    const named = rows.map((row) => /^\| `--([a-z0-9-]+)`/.exec(row)?.[1])
    expect(named).toEqual(all.map(([name]) => name))
    expect(new Set(Object.keys(fluxdDifferences))).toEqual(new Set(named))
  })

  it.each(all)('does not promise too much or too little of --%s', (name, flag) => {
    const difference = fluxdDifferences[name as keyof typeof fluxdFlags]
    const became = becameOf(flag, difference)
    expect([flag.state, became]).toEqual([
      flag.state,
      expect.stringMatching(
        { ignored: /^(?:replaced by|not applicable)/, works: /^(?:same|differs)$/ }[flag.state ?? 'works'],
      ),
    ])
    if (became !== 'same') expect(`${flag.why ?? ''}${difference.note}`).not.toBe('')
  })

  it('replaces flags by flags that there are', () => {
    const replacements = Object.values(fluxdDifferences).flatMap(({ by }) => by ?? [])
    for (const by of replacements) expect([by, isFlagName(by.replace(/^--/, ''))]).toEqual([by, true])
    expect(replacements).not.toEqual([])
  })
})
