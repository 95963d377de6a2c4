import { describe, expect, it } from 'vitest'
import { createRecall } from './recall.ts'

function bench(most = 10) {
  let time = 0
  let asked = 0
  const recall = createRecall<number>({ forMs: 10_000, most, now: () => time })
  return {
    recall: (key: string) => recall(key, async () => ++asked),
    recallRaw: recall,
    pass: (ms: number) => (time += ms),
  }
}

describe('answers that are remembered', () => {
  it('are asked for once until they are too old', async () => {
    const { recall, pass } = bench()
    expect(await Promise.all([recall('a'), recall('a'), recall('b')])).toEqual([1, 1, 2])
    pass(9_999)
    expect(await recall('a')).toBe(1)
    pass(1)
    expect(await recall('a')).toBe(3)
  })

  it('do not count for longer because the clock was set back', async () => {
    const { recall, pass } = bench()
    await recall('a')
    pass(5_000)
    await recall('a')
    pass(-3_600_000)
    expect(await recall('a')).toBe(1)
    pass(5_000)
    expect(await recall('a')).toBe(2)
  })

  it('do not grow with the number of callers', async () => {
    const { recall } = bench(2)
    for (const key of ['a', 'b', 'c']) await recall(key)
    expect(await recall('c')).toBe(3)
    expect(await recall('a')).toBe(4)
  })

  it('are none where asking failed', async () => {
    const { recall, recallRaw } = bench()
    await expect(recallRaw('a', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
    expect(await recall('a')).toBe(1)
  })
})
