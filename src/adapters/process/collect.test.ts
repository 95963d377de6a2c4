import { expect, it } from 'vitest'
import { collect } from './collect.ts'

it.each([
  { what: 'all of it, up to the limit', pieces: ['abc', 'def'], limit: 6, kept: 'abcdef', calls: 0 },
  { what: 'nothing of nothing', pieces: [], limit: 6, kept: '', calls: 0 },
  {
    what: 'the beginning, when a piece goes over the limit',
    pieces: ['abc', 'def', 'g'],
    limit: 5,
    kept: 'abcde',
    calls: 1,
  },
  {
    what: 'the beginning, when the next piece would',
    pieces: ['abcdef', 'g', 'h'],
    limit: 6,
    kept: 'abcdef',
    calls: 1,
  },
])('keeps $what', ({ pieces, limit, kept, calls }) => {
  let told = 0
  const collected = collect(limit, () => told++)
  for (const piece of pieces) collected.add(Buffer.from(piece))
  expect(Buffer.from(collected.bytes()).toString()).toBe(kept)
  expect(told).toBe(calls)
})
