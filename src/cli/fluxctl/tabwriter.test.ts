import { expect, it } from 'vitest'
import { tabulate } from './tabwriter.ts'

it.each([
  ['columns are as wide as their widest cell and two blanks', ['a\tb', 'ccc\td'], 'a    b\nccc  d\n'],
  ['the last cell of a line has no width', ['a\tlong', 'b\tc\td'], 'a  long\nb  c  d\n'],
  ['a line without a cell ends its column', ['long\tx', 'alone', 'a\ty'], 'long  x\nalone\na  y\n'],
  ['an empty cell keeps its place', ['a\tb\tc', '\t\td'], 'a  b  c\n      d\n'],
  ['characters count, not bytes', ['ü\tb', 'aa\tc'], 'ü   b\naa  c\n'],
])('%s', (_name, lines, text) => {
  expect(tabulate(lines)).toBe(text)
})
