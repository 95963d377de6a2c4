import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyFile, anyTag, imageDeployment as deployment, tryEdit } from '../../../test/images/edit-files.ts'
import { annotate } from './annotate.ts'
import { editFile, type ScalarEdit } from './edit.ts'
import { openManifests } from './open-manifests.ts'
import type { Path } from './value-at.ts'

const first: Path = ['spec', 'template', 'spec', 'containers', 0, 'image']

function release(tag: string): string {
  const head = 'apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata: {name: x}\n'
  return `${head}spec:\n  values:\n    image: {repository: a, tag: ${tag}}\n`
}

function edit(change: Partial<ScalarEdit> = {}): ScalarEdit {
  return { index: 0, path: first, from: 'app:1.0', to: 'app:1.1', ...change }
}

describe('editFile', () => {
  const rows: [why: string, before: string, after: string][] = [
    ['a plain scalar', '- name: a\n  image: app:1.0', '- name: a\n  image: app:1.1'],
    ['single quotes', "- image: 'app:1.0'\n  name: a", "- image: 'app:1.1'\n  name: a"],
    ['double quotes', '- image: "app:1.0" # tag\n  name: a', '- image: "app:1.1" # tag\n  name: a'],
    ['an escape in double quotes', '- image: "app\\x3a1.0"\n  name: a', '- image: "app:1.1"\n  name: a'],
    ['a comment behind it and odd spaces', '-   image:    app:1.0   #  keep', '-   image:    app:1.1   #  keep'],
    ['flow style', '- {image: app:1.0,name: a,   args: [x,y]}', '- {image: app:1.1,name: a,   args: [x,y]}'],
    ['JSON', '- {"image":"app:1.0","name":"a"}', '- {"image":"app:1.1","name":"a"}'],
    ['on the next line', '- image:\n    app:1.0\n  name: a', '- image:\n    app:1.1\n  name: a'],
    ['an anchor that nobody uses', '- image: &image app:1.0\n  name: a', '- image: &image app:1.1\n  name: a'],
    ['the last of two equal keys', '- image: app:0.9\n  image: app:1.0', '- image: app:0.9\n  image: app:1.1'],
    ['a key in quotes', '- "image": app:1.0', '- "image": app:1.1'],
    ['an anchor elsewhere', '- image: app:1.0\n  env: &e [a]\n  x: *e', '- image: app:1.1\n  env: &e [a]\n  x: *e'],
  ]
  it.each(rows)('changes %s', (_, before, after) => {
    const edited = editFile(deployment(before), [edit()])
    expect(edited).toMatchObject({ text: deployment(after), refused: [], done: [{}] })
  })

  const refusals: [why: string, container: string, expected: RegExp][] = [
    ['an alias', '- name: &i app:1.0\n  image: *i', /alias/],
    ['an anchor that somebody uses', '- image: &i app:1.0\n  name: *i', /used elsewhere/],
    ['a value that a merge brings', '- <<: {image: app:1.0}\n  name: a', /merge/],
    ['a block scalar', '- image: |-\n    app:1.0\n  name: a', /several lines/],
    ['a folded scalar', '- image: >-\n    app:1.0\n  name: a', /several lines/],
    ['a tag', '- image: !!str app:1.0\n  name: a', /tag of its own/],
    ['a value over two lines', '- image: "app:\\\n    1.0"\n  name: a', /several lines/],
    ['another value than expected', '- image: app:2.0', /expected/],
    ['a missing field', '- name: a', /expected/],
  ]
  it.each(refusals)('refuses %s', (_, container, expected) => {
    const text = deployment(container)
    const edited = editFile(text, [edit()])
    expect(edited).toMatchObject({ text, done: [] })
    expect(edited.refused[0]?.why).toMatch(expected)
  })

  it.each([
    ['a document with a seal', `${deployment('- image: app:1.0')}sops: {mac: x}\n`],
    ['a document beside one with a seal', `${deployment('- image: app:1.0')}---\na: b\nsops: {mac: x}\n`],
    [
      'an item of a List with a seal',
      '{kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}], sops: {}}',
    ],
  ])('refuses %s, for whoever asks', (_, text) => {
    const path = text.includes('app:1.0') ? first : ['metadata', 'name']
    const edited = editFile(text, [edit({ path, from: text.includes('app:1.0') ? 'app:1.0' : 'a' })])
    expect(edited).toMatchObject({ text, refused: [{ why: 'the file is encrypted with SOPS; edit it by hand' }] })
    expect(annotate(text, 0, [{ key: 'a', value: 'b' }])).toEqual({ why: edited.refused[0]?.why })
  })

  const quoting: [before: string, to: string, after: string][] = [
    ['v1', '1.10', "'1.10'"],
    ['v1', '20211231', "'20211231'"],
    ['v1', '0644', "'0644'"],
    ['v1', 'true', "'true'"],
    ['v1', 'yes', "'yes'"],
    ['v1', 'null', "'null'"],
    ['v1', '1e10', "'1e10'"],
    ['v1', 'e1234567', 'e1234567'],
    ['v1', '1.2.3', '1.2.3'],
    ['v1', '2021-12-31', '2021-12-31'],
    ['"1.0"', '1.10', '"1.10"'],
    ["'1.0'", '1.10', "'1.10'"],
  ]
  it.each(quoting)('keeps a tag a text: %s, %s is written %s', (before, to, after) => {
    const from = before.replaceAll(/["']/g, '')
    const edited = editFile(release(before), [edit({ path: ['spec', 'values', 'image', 'tag'], from, to })])
    expect(edited.text).toBe(release(after))
  })

  it('finds the document and the item of a list', () => {
    const one = deployment('- {name: a, image: app:1.0}', 'one')
    const list = `apiVersion: v1\nkind: List\nitems:\n${one.replace(/^/, '- ').replaceAll(/^(?!- |$)/gm, '  ')}`
    const text = `\ufeff# head\n---\n${one}---\nkind: [broken\n---\n# empty\n---\n${list}...\n---\n${one}`
    expect(openManifests(text)).toHaveLength(3)
    const pieces = text.split('app:1.0')
    for (const index of [0, 1, 2]) {
      const tags = ['app:1.0', 'app:1.0', 'app:1.0'].with(index, 'app:1.1')
      const expected = pieces.map((piece, at) => piece + (tags[at] ?? '')).join('')
      expect(editFile(text, [edit({ index })]).text).toBe(expected)
    }
  })

  it('makes several edits at once, and leaves out the one that cannot be made', () => {
    const text = deployment(
      '- {name: a, image: app:1.0}\n- {name: &n b, image: &i app:1.0, x: *i}\n- {name: c, image: app:1.0}',
    )
    const edited = editFile(
      text,
      [0, 1, 2].map((index) => edit({ path: [...first.slice(0, 4), index, 'image'] })),
    )
    expect(edited.text).toBe(
      text.replace('a, image: app:1.0', 'a, image: app:1.1').replace('c, image: app:1.0', 'c, image: app:1.1'),
    )
    expect(edited.done).toHaveLength(2)
    expect(edited.refused).toMatchObject([{ why: expect.stringContaining('used elsewhere') as string }])
  })

  it('changes only the bytes of the scalar, whatever stands around it, and once is enough', () => {
    fc.assert(
      fc.property(anyFile, fc.nat(), anyTag, (text, pick, tag) => {
        const found = tryEdit(text, pick, tag)
        if (found) expect(found).toEqual({ refused: '', isOneScalar: true, isIdempotent: true })
      }),
      { numRuns: 300 },
    )
  })

  it('never throws and never half-edits, whatever the file says', () => {
    const piece = fc.constantFrom(
      'a: b\n',
      '- x\n',
      '&a ',
      '*a ',
      '<<: ',
      '? ',
      ': ',
      '{',
      ']',
      '"',
      "'",
      '|\n',
      '---\n',
      '\t',
      '!!x ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = deployment('- {name: a, image: app:1.0}') + pieces.join('')
        const edited = editFile(text, [edit()])
        const isChanged = edited.text === text.replace('app:1.0', 'app:1.1')
        expect(edited.done.length === 1 ? isChanged : edited.text === text).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
