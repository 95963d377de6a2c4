import { expect, it } from 'vitest'
import { hasUntold } from './stored-chart.ts'

const stored = new Map([
  ['templates/a.yaml', ''],
  ['crds/a.yaml', ''],
])

it.each([
  [
    'nothing more',
    ['Chart.yaml', 'Chart.lock', 'values.yaml', '.helmignore', 'templates/a.yaml', 'crds/a.yaml'],
    false,
  ],
  ['a template more', ['Chart.yaml', 'templates/a.yaml', 'templates/b.yaml'], true],
  ['a subchart', ['Chart.yaml', 'templates/a.yaml', 'charts/sub/Chart.yaml'], true],
  ['a packed subchart', ['Chart.yaml', 'charts/sub-1.0.0.tgz'], true],
])('knows whether a tree has %s', (_what, tree, untold) => {
  expect(hasUntold(tree, stored)).toBe(untold)
})
