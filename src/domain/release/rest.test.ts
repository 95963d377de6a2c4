import { expect, it } from 'vitest'
import { areSame, parseRest, revisionsOf } from './rest.ts'

const secret = (name: string, resourceVersion: string, status: string) => ({
  metadata: { name, resourceVersion, labels: { status } },
})
const deployed = secret('web.v2', '7', 'deployed')

it.each([
  ['in another order', [secret('web.v1', '3', 'failed'), deployed], [deployed, secret('web.v1', '3', 'failed')], true],
  ['with one that is superseded', [deployed], [secret('web.v1', '3', 'superseded'), deployed], true],
  ['with another version', [deployed], [secret('web.v2', '8', 'deployed')], false],
  ['with one more', [deployed], [deployed, secret('web.v3', '9', 'pending-upgrade')], false],
  ['with none', [deployed], [], false],
])('revisions %s', (_name, before, now, isSame) => {
  expect(revisionsOf(before) === revisionsOf(now)).toBe(isSame)
})

it.each([
  ['all as they were', { a: '1', b: '' }, { a: '1', b: '' }, true],
  ['one changed', { a: '1' }, { a: '2' }, false],
  ['one is gone', { a: '1' }, { a: '' }, false],
  ['one is there now', { b: '' }, { b: '1' }, false],
  ['one is not known', { a: '1', b: '' }, { a: '1' }, false],
])('objects, %s', (_name, objects, now, isSame) => {
  expect(areSame(objects as Record<string, string>, new Map(Object.entries(now)))).toBe(isSame)
})

const rest = { settings: 's', chart: 'c', revisions: 'r', objects: { a: '1', b: '' } }

it.each([
  ['what was kept', JSON.stringify(rest), rest],
  ['nothing', undefined, undefined],
  ['no JSON', '{', undefined],
  ['a list', '[]', undefined],
  ['one without a chart', JSON.stringify({ ...rest, chart: '' }), undefined],
])('reads %s', (_name, text, read) => {
  expect(parseRest(text)).toEqual(read)
})
