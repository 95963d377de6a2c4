import { describe, expect, it } from 'vitest'
import type { Flag } from './flag.ts'
import { flags, isFlagName } from './flags.ts'
import { operatorFlags } from './flags/operator.ts'
import { becameOf } from './fluxd-document.ts'
import { operatorDifferences } from './operator-differences.ts'
import { operatorDocument } from './operator-document.ts'

const all = Object.entries(operatorDifferences).map(
  ([name, difference]) => [name, flags[name as keyof typeof operatorDifferences] as Flag, difference] as const,
)

describe('docs/helm-operator.md', () => {
  it('says what the tables say (mend: npm run test:unit -- -u src/config)', async () => {
    await expect(operatorDocument()).toMatchFileSnapshot('../../docs/helm-operator.md')
  })

  it('has each flag of the Operator that fluxd does not have', () => {
    expect(Object.keys(operatorDifferences)).toEqual(expect.arrayContaining(Object.keys(operatorFlags)))
  })

  it.each(all)('does not promise too much or too little of --%s', (_name, flag, difference) => {
    const became = becameOf(flag, difference)
    const allowed = { ignored: /^(?:replaced by|not applicable)/, works: /^(?:same|differs)$/ }
    expect(became).toMatch(allowed[flag.state ?? 'works'])
    if (became !== 'same') expect(`${flag.why ?? ''}${difference.note}`).not.toBe('')
  })

  it('replaces flags by flags that there are', () => {
    const replacements = all.flatMap(([, , { by }]) => by ?? [])
    for (const by of replacements) expect([by, isFlagName(by.replace(/^--/, ''))]).toEqual([by, true])
    expect(replacements).not.toEqual([])
  })
})
