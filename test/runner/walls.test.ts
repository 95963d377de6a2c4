import { expect, it } from 'vitest'
import { describeViolations } from './walls.ts'

const modules = [{ source: 'src/main/cli.ts' }]

it('is content when every wall stands', () => {
  expect(describeViolations({ modules, summary: { violations: [] } })).toBeUndefined()
})

it('says which wall fell, where, and why it is there', () => {
  const violations = [{ from: 'src/lib/a.ts', to: 'src/main/b.ts', rule: { name: 'lib-is-a-leaf', severity: 'error' } }]
  const ruleSetUsed = { forbidden: [{ name: 'lib-is-a-leaf', comment: 'lib/ knows nothing of this project.' }] }
  expect(describeViolations({ modules, summary: { violations, ruleSetUsed } })).toBe(
    'error lib-is-a-leaf: src/lib/a.ts → src/main/b.ts\n  lib/ knows nothing of this project.',
  )
})

it('does not take a run that looked at nothing for a good one', () => {
  expect(describeViolations({ modules: [], summary: { violations: [] } })).toBe('no module of src/ was cruised')
})
