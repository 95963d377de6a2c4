import { describe, expect, it } from 'vitest'
import { copiesOf } from './link-copies.ts'
import { createTree, type TreeEntry } from './tree.ts'

const file = (path: string): TreeEntry => ({ path, blob: path, mode: 'file' })
const link = (path: string, target: string): TreeEntry => ({ path, blob: path, mode: 'symlink', target })

describe('copiesOf', () => {
  const entries = [
    file('app/Chart.yaml'),
    file('shared/a/x'),
    file('shared/y'),
    link('app/same', 'Chart.yaml'),
    link('app/other', '../shared/y'),
    link('app/folder', '../shared'),
    link('app/through', 'folder/a'),
    link('app/twice', 'other'),
    link('app/out', '/etc/passwd'),
    link('app/above', '../../x'),
    link('app/gone', 'nothing'),
    link('app/self', 'self'),
    link('app/here', '.'),
    link('app/root', '..'),
  ]
  const tree = createTree(entries)
  it.each([
    ['same', ['app/Chart.yaml as app/same']],
    ['other', ['shared/y as app/other']],
    ['folder', ['shared/a/x as app/folder/a/x', 'shared/y as app/folder/y']],
    ['through', ['shared/a/x as app/through/x']],
    ['twice', ['shared/y as app/twice']],
    ['out', []],
    ['above', []],
    ['gone', []],
    ['self', []],
    ['here', []],
    ['root', []],
  ])('app/%s', (name, expected) => {
    const found = entries.filter(({ path }) => path === `app/${name}`).flatMap((one) => copiesOf(one, tree, entries))
    expect(found.map(({ from, to }) => `${from.path} as ${to}`)).toEqual(expected)
  })
})
