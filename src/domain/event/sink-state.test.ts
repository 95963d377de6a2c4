import { expect, it } from 'vitest'
import { freshState, readSinkState, sinkStream } from './sink-state.ts'

it('the state of a sink is read back as it was written', () => {
  const state = { ...freshState, cursor: '5-0', replayUntil: '9-1', failures: 2, failure: 'x' }
  expect(readSinkState(JSON.stringify(state))).toEqual(state)
  expect(sinkStream('team')).toBe('sink:team')
})

it.each([
  undefined,
  'null',
  '{}',
  JSON.stringify({ ...freshState, cursor: '*' }),
  JSON.stringify({ ...freshState, failures: '1' }),
  JSON.stringify({ ...freshState, failure: null }),
])('%s is no state', (text) => {
  expect(readSinkState(text)).toBeUndefined()
})
