import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keepTail } from './tail.ts'

describe('the end of a stream', () => {
  it('is all of it, or its last bytes, however it came', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme-ascii' })), fc.integer({ min: 1, max: 30 }), (chunks, limit) => {
        const tail = keepTail(limit)
        for (const chunk of chunks) tail.add(Buffer.from(chunk))
        const all = chunks.join('')
        expect(tail.text()).toBe(all.slice(-limit))
        expect(tail.isCut()).toBe(all.length > limit)
      }),
    )
  })
})
