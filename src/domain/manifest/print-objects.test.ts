import { expect, it } from 'vitest'
import { parseManifests } from './parse.ts'
import { printObjects } from './print-objects.ts'

it('prints what is read back as it was, also what looks like another type', () => {
  const values = { a: 'yes', b: '0644', c: '1e3', d: null, e: ['x: y', ''], f: 2 ** 40, g: true, h: 'two\nlines\n' }
  const shared = { x: 1 }
  const objects = ['one', 'two'].map((name) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'demo' },
    data: { ...values, shared, again: shared },
  }))
  const text = printObjects(objects)
  expect(text.match(/^---$/gm)).toHaveLength(2)
  expect(text).not.toContain('*')
  const { objects: read } = parseManifests({ file: 'a.yaml', text })
  expect(read.map(({ object }) => object)).toEqual(objects)
})
