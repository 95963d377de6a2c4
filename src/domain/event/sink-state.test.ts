import { expect, it } from 'vitest'
import { freshState, readSinkState, replayStream, sinkStream } from './sink-state.ts'

it('the state of a sink is read back as it was written', () => {
  const state = { ...freshState, cursor: '5-0', replayUntil: '9-1', replayed: '8-0', failures: 2, failure: 'x' }
  expect(readSinkState(JSON.stringify(state))).toEqual(state)
  expect([sinkStream('team'), replayStream('team')]).toEqual(['sink:team', 'sink-replay:team'])
})

it('one that knows of no replays yet is read too', () => {
  const { replayed: _, ...older } = { ...freshState, cursor: '5-0' }
  expect(readSinkState(JSON.stringify(older))).toEqual({ ...freshState, cursor: '5-0' })
})

it.each([
  undefined,
  'null',
  '{}',
  JSON.stringify({ ...freshState, cursor: '*' }),
  JSON.stringify({ ...freshState, replayed: '*' }),
  JSON.stringify({ ...freshState, failures: '1' }),
  JSON.stringify({ ...freshState, failure: null }),
])('%s is no state', (text) => {
  expect(readSinkState(text)).toBeUndefined()
})
