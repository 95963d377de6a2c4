import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseFile } from './parse-file.ts'
import { decodeFiles, decodeParsed, encodeFiles, encodeParsed } from './wire.ts'

const path = fc.string({ unit: 'grapheme' }).filter((text) => !text.startsWith('\0'))
const patch = { isPatch: fc.constant(true) }
const plain = { path, bytes: fc.uint8Array({ maxLength: 40 }) }
const file = fc.oneof(fc.record(plain), fc.record({ ...plain, ...patch }))

describe('files on their way to the parsing process', () => {
  it('arrive as they were, empty ones too', () => {
    fc.assert(
      fc.property(fc.array(file), (files) => {
        expect(decodeFiles(encodeFiles(files))).toEqual(files)
      }),
    )
  })

  it('are refused when some of them is missing', () => {
    fc.assert(
      fc.property(fc.array(file, { minLength: 1 }), fc.nat(), (files, cut) => {
        const stream = encodeFiles(files)
        const short = stream.subarray(0, stream.length - 1 - (cut % 4))
        const wholeFiles = files.some((_, count) => encodeFiles(files.slice(0, count)).length === short.length)
        if (!wholeFiles) expect(() => decodeFiles(short)).toThrow(RangeError)
      }),
    )
  })
})

describe('what was found in a file', () => {
  const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: "line\\nend\\u2028" }
spec: { maximum: 9223372036854775807 }
`

  it('is one line, and comes back as it was with exact integers in heads and bodies', () => {
    const parsed = parseFile({ path: 'a', bytes: new TextEncoder().encode(crd.replace('line\\nend', 'x.example')) })
    const line = encodeParsed(parsed)
    expect(line).not.toContain('\n')
    expect(decodeParsed(line)).toEqual(parsed)
  })

  it('is nothing when the line was cut', () => {
    const line = encodeParsed({ objects: [], problems: [], warnings: [] })
    expect(decodeParsed(line.slice(0, -1))).toBeUndefined()
    expect(decodeParsed('')).toBeUndefined()
  })
})
