import { describe, expect, it } from 'vitest'
import { findSum, mirrored } from './official.ts'

const [a, b] = ['a'.repeat(64), 'B'.repeat(64)]

describe('findSum', () => {
  it.each([
    ['the sum alone, as dl.k8s.io has it', `${a}\n`, a],
    ['a line with the name, as get.helm.sh has it', `${a}  tool.tar.gz\n`, a],
    ['a list', `${b}  other\n${a}  tool.tar.gz\n`, a],
    ['a list of binary files', `${b} *other\n${a} *./dist/tool.tar.gz\n`, a],
    ['upper case', `${b}  tool.tar.gz`, b.toLowerCase()],
    ['a list without the file', `${b}  other\n`, undefined],
    ['a page that says there is nothing', '<html>404</html>', undefined],
    ['nothing', '', undefined],
  ])('%s', (_name, text, sum) => {
    expect(findSum(text, 'tool.tar.gz')).toBe(sum)
  })
})

describe('mirrored', () => {
  it('leaves the address alone without a mirror', () => {
    expect(mirrored('https://get.helm.sh/a.tar.gz', undefined)).toBe('https://get.helm.sh/a.tar.gz')
  })

  it('puts the mirror in place of the host and keeps the path', () => {
    expect(mirrored('https://get.helm.sh/x/a.tar.gz', 'http://mirror.example/tools/')).toBe(
      'http://mirror.example/tools/x/a.tar.gz',
    )
  })
})
