import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTar, type TarFile, writeTar } from './tar.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const long = `${'very-long-folder-name/'.repeat(12)}ümlaut.yaml`
const files: TarFile[] = [
  { path: 'a.yaml', bytes: utf8('a: 1\n') },
  { path: 'empty.yaml', bytes: utf8('') },
  { path: 'deep/er/b.yaml', bytes: utf8('b'.repeat(2000)) },
  { path: long, bytes: utf8('long') },
]

describe('a tar archive', () => {
  it('comes back as it was, whatever is in it', () => {
    const name = fc.stringMatching(/^[a-z0-9ä_ -]{1,70}$/)
    const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'))
    const some = fc.uniqueArray(fc.record({ path, bytes: fc.uint8Array({ maxLength: 1500 }) }), {
      selector: (f) => f.path,
    })
    fc.assert(
      fc.property(some, (list) => {
        const read = readTar(writeTar(list))
        if ('problem' in read) throw new Error(read.problem)
        expect(read.files.map((file) => [file.path, [...file.bytes]])).toEqual(list.map((f) => [f.path, [...f.bytes]]))
      }),
    )
  })

  it.each<[what: string, path: string]>([
    ['leaves it', '../a.yaml'],
    ['leaves it in the middle', 'a/../../b.yaml'],
    ['is absolute', '/etc/passwd'],
    ['is hidden behind dots', './../a.yaml'],
    ['has a backslash', 'a\\..\\b'],
    ['is a folder', 'a/'],
    ['leaves it, and is long', `${'x/'.repeat(80)}../../b.yaml`],
  ])('with a path that %s is refused', (_what, path) => {
    expect(readTar(writeTar([{ path, bytes: utf8('x') }]))).toMatchObject({ problem: expect.stringContaining('path') })
  })

  it('with a file twice is refused', () => {
    const archive = writeTar([files[0], { path: './a.yaml', bytes: utf8('b') }].filter((file) => file !== undefined))
    expect(readTar(archive)).toEqual({ problem: '"a.yaml" stands in the archive twice' })
  })

  it('that is damaged is refused and never read beyond its end', () => {
    const whole = writeTar(files)
    expect(readTar(whole.subarray(0, 700))).toEqual({ problem: 'the archive is cut off' })
    expect(readTar(utf8('not a tar archive'.repeat(100)))).toEqual({ problem: 'it is not a tar archive' })
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const damaged = Uint8Array.from(whole)
        damaged[at] = byte
        expect(readTar(damaged)).toBeTypeOf('object')
      }),
    )
  })
})
