import { describe, expect, it } from 'vitest'
import { parseExactJson } from '../../lib/exact-json.ts'
import { digestOf } from './digest.ts'
import { parseManifests } from './parse.ts'
import { parseFile } from './parse-file.ts'

const text = `apiVersion: v1
kind: ConfigMap
metadata: { name: b, namespace: shop, annotations: { fluxcd.io/ignore: 'true' } }
data: { z: "1", a: "2" }
---
apiVersion: example.com/v1
kind: Big
metadata: { name: a }
size: 9007199254740993
---
kind: [
`
const read = (yaml: string) => parseFile({ path: 'a.yaml', bytes: new TextEncoder().encode(yaml) })

describe('a file', () => {
  it('gives each object’s head, line, digest and body, and what is wrong', () => {
    const { objects, problems, warnings } = read(text)
    expect(objects.map(({ head, line }) => ({ head, line }))).toEqual([
      {
        head: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'b', namespace: 'shop', annotations: { 'fluxcd.io/ignore': 'true' } },
        },
        line: 1,
      },
      { head: { apiVersion: 'example.com/v1', kind: 'Big', metadata: { name: 'a' } }, line: 6 },
    ])
    expect(problems).toMatchObject([{ reason: 'InvalidYAML', file: 'a.yaml' }])
    expect(warnings).toEqual([])
  })

  it('has bodies and digests of exactly what the parser read', () => {
    const whole = parseManifests({ file: 'a.yaml', text }).objects.map(({ object }) => object)
    const { objects } = read(text)
    expect(objects.map(({ body }) => parseExactJson(body))).toEqual(whole)
    expect(objects.map(({ digest }) => digest)).toEqual(whole.map(digestOf))
    expect(objects[1]?.body).toContain('"size":9007199254740993')
  })

  it('that cannot be read is a problem', () => {
    expect(read('a: [')).toMatchObject({ objects: [], problems: [{ reason: 'InvalidYAML', file: 'a.yaml' }] })
    expect(parseFile({ path: 'a', bytes: Uint8Array.of(0xff) })).toMatchObject({
      objects: [],
      problems: [{ message: 'the file is not valid UTF-8' }],
    })
  })
})
