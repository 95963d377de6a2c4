import { describe, expect, it } from 'vitest'
import { beginStep, readProgress } from './progress.ts'

describe('the steps of a job', () => {
  it('tell their beginning, now and then how many are done, and the last one', () => {
    const told: unknown[] = []
    const tick = beginStep({ debug: ({ progress }) => told.push(progress) }, 'applying', 60)
    for (let index = 0; index < 60; index++) tick()
    expect(told).toEqual([0, 25, 50, 60].map((done) => ({ step: 'applying', done, total: 60 })))
  })

  it.each(['waits for a chart', null, undefined, 7, {}, { step: 'x', done: -1, total: 1 }, { step: 'x', done: 1 }])(
    'are not read out of %j',
    (value) => {
      expect(readProgress(value)).toBeUndefined()
    },
  )

  it('are read back as they were told', () => {
    expect(readProgress({ step: 'x', done: 1, total: 2, more: 3 })).toEqual({ step: 'x', done: 1, total: 2 })
  })
})
