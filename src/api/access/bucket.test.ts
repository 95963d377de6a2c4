import { describe, expect, it } from 'vitest'
import { createBucket } from './bucket.ts'

describe('a token bucket', () => {
  it('lets a burst through, then so many a second, and says when the next may come', () => {
    let time = 0
    const wait = createBucket({ perSecond: 2, burst: 3, now: () => time })
    expect([wait('a'), wait('a'), wait('a'), wait('a')]).toEqual([0, 0, 0, 1])
    expect(wait('b')).toBe(0)
    time += 500
    expect([wait('a'), wait('a')]).toEqual([0, 1])
    time += 60_000
    expect([wait('a'), wait('a'), wait('a'), wait('a')]).toEqual([0, 0, 0, 1])
  })

  it('only looks where nothing is to be taken', () => {
    const wait = createBucket({ perSecond: 1, burst: 1, now: () => 0 })
    expect([wait('a', { take: false }), wait('a'), wait('a', { take: false })]).toEqual([0, 0, 1])
  })

  it('keeps to those whom it saw last when there are too many', () => {
    const wait = createBucket({ perSecond: 1, burst: 1, now: () => 0 })
    wait('first')
    for (let index = 0; index < 10_000; index++) wait(`other ${index}`)
    expect([wait('first'), wait('other 9999')]).toEqual([0, 1])
  })
})
