import { describe, expect, it } from 'vitest'
import { shorten, widthOf } from './width.ts'

describe('how wide a text is', () => {
  it.each([
    ['deploy', 6],
    ['', 0],
    ['é', 1],
    ['e\u0301', 1],
    ['\u0301', 0],
    ['部署', 4],
    ['한글', 4],
    ['ｗｅｂ', 6],
    ['👩‍👩‍👧', 2],
    ['🚀 go', 5],
    ['ok…', 3],
    ['\ufffd', 1],
  ])('%j takes %i columns', (text, width) => {
    expect(widthOf(text)).toBe(width)
  })

  it.each([
    ['applying objects', 16, 'applying objects'],
    ['applying objects', 9, 'applying…'],
    ['部署部署', 6, '部署…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['abc', 0, ''],
    ['abc', 1, '…'],
  ])('%j is cut to %i columns as %j', (text, width, cut) => {
    expect(shorten(text, width)).toBe(cut)
  })
})
