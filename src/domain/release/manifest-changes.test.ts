import { expect, it } from 'vitest'
import { changesBetween, objectsOf } from './manifest-changes.ts'

const config = (annotations: string) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: x${annotations}
data: {a: b}
`
const mark = 'helm.fluxcd.io/antecedent: shop:helmrelease/web'

it.each([
  ['a mark that was not there', config(''), config(`\n  annotations: {${mark}}`), 0],
  [
    'a mark of another one',
    config(`\n  annotations: {helm.fluxcd.io/antecedent: a}`),
    config(`\n  annotations: {${mark}}`),
    0,
  ],
  ['another annotation', config(`\n  annotations: {${mark}}`), config(`\n  annotations: {${mark}, b: c}`), 1],
])('of %s is told as many changes as people would see', (_, before, after, count) => {
  const { changes, unchanged } = changesBetween(objectsOf(before, 'shop'), objectsOf(after, 'shop'), (text) => text)
  expect([changes.length, unchanged]).toEqual([count, 1 - count])
  expect(JSON.stringify(changes)).not.toContain('antecedent')
})
