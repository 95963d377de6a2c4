import { describe, expect, it } from 'vitest'
import { createTree } from './tree.ts'

const tree = createTree([
  { path: 'a/b/c.yaml', blob: '1', mode: 'file' },
  { path: 'a/link', blob: '2', mode: 'symlink', target: '../d/./e' },
  { path: 'd/e', blob: '3', mode: 'symlink', target: '../a/b' },
  { path: 'loop', blob: '4', mode: 'symlink', target: 'loop/x' },
  { path: 'out', blob: '5', mode: 'symlink', target: '../..' },
])

describe('a path in a tree', () => {
  it.each([
    ['', ''],
    ['.', ''],
    ['a//b/./c.yaml', 'a/b/c.yaml'],
    ['a/b/../b', 'a/b'],
    ['a/link/c.yaml', 'a/b/c.yaml'],
    ['a/link', 'a/b'],
    ['nope/x', 'nope/x'],
    ['..', undefined],
    ['a/../../x', undefined],
    ['loop', undefined],
    ['out', undefined],
  ])('%s leads to %s', (path, expected) => {
    expect(tree.resolve(path)).toBe(expected)
  })

  it('is a folder when something is below it', () => {
    expect(['', 'a', 'a/b', 'd'].map((path) => tree.isFolder(path))).toEqual([true, true, true, true])
    expect(['a/b/c.yaml', 'x', 'a/'].map((path) => tree.isFolder(path))).toEqual([false, false, false])
  })
})
