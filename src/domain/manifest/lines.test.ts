import { describe, expect, it } from 'vitest'
import { createLines } from './lines.ts'

describe('the line of an offset', () => {
  const lineAt = createLines('ab\n\ncd\n')

  it.each([
    [0, 1],
    [2, 1],
    [3, 2],
    [4, 3],
    [6, 3],
    [7, 4],
    [99, 4],
  ])('%i is %i', (offset, line) => {
    expect(lineAt(offset)).toBe(line)
  })

  it('of an empty text is 1', () => {
    expect(createLines('')(0)).toBe(1)
  })
})
