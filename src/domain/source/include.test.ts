import { describe, expect, it } from 'vitest'
import { gitignoreTest, makeIncludeTest } from './include.ts'

describe('gitignore patterns', () => {
  it.each<[string, string[], string, boolean]>([
    ['a name counts at any depth', ['secret.yaml'], 'a/b/secret.yaml', true],
    ['a name is the whole name', ['secret.yaml'], 'a/my-secret.yaml', false],
    ['a slash in front binds to the root', ['/a.yaml'], 'b/a.yaml', false],
    ['a slash inside binds to the root', ['b/a.yaml'], 'x/b/a.yaml', false],
    ['a slash at the end is a folder, at any depth', ['test/'], 'a/test/b/c.yaml', true],
    ['a slash at the end is no file', ['a.yaml/'], 'a.yaml', false],
    ['a star ends at a slash', ['a/*.yaml'], 'a/b/c.yaml', false],
    ['a star in a name of a folder', ['env-*'], 'x/env-1/c.yaml', true],
    ['two stars in front', ['**/b/c.yaml'], 'b/c.yaml', true],
    ['two stars inside stand for no folder', ['a/**/b.yaml'], 'a/b.yaml', true],
    ['two stars inside stand for many', ['a/**/b.yaml'], 'a/x/y/b.yaml', true],
    ['two stars at the end', ['a/**'], 'a/x/y.yaml', true],
    ['two stars at the end are at least one name', ['a/**'], 'a', false],
    ['two stars beside letters are one', ['a/b**c'], 'a/bx/c', false],
    ['the last that matches counts', ['*.yaml', '!keep.yaml'], 'a/keep.yaml', false],
    ['the last that matches counts, the other way', ['!keep.yaml', '*.yaml'], 'a/keep.yaml', true],
    ['nothing below a matched folder is taken back', ['a/', '!a/keep.yaml'], 'a/keep.yaml', true],
    ['what a star matched is taken back', ['a/*', '!a/keep.yaml'], 'a/keep.yaml', false],
    ['a comment is none', ['#a.yaml'], '#a.yaml', false],
    ['an escaped hash is meant', ['\\#a.yaml'], '#a.yaml', true],
    ['an escaped mark is meant', ['\\!a.yaml'], '!a.yaml', true],
    ['blanks at the end do not count', ['a.yaml  '], 'a.yaml', true],
    ['an escaped blank counts', ['a\\ '], 'a ', true],
    ['nothing is nothing', ['', ' ', '/', '!'], 'a.yaml', false],
    ['case counts', ['A.yaml'], 'a.yaml', false],
  ])('%s', (_, patterns, path, expected) => {
    expect(gitignoreTest(patterns)(path)).toBe(expected)
  })

  // who tries each way for each star does not end at all
  it('end when they are made to be slow', () => {
    const test = gitignoreTest([`${'**/a/'.repeat(30)}b`])
    expect(test(`${'a/'.repeat(60)}c`)).toBe(false)
  })
})

describe('a source without patterns', () => {
  it('reads everything', () => {
    expect(makeIncludeTest({})('a/b.yaml')).toBe(true)
    expect(makeIncludeTest({ include: [], exclude: [] })('a/b.yaml')).toBe(true)
  })
})
