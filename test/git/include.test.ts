import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gitignoreTest } from '../../src/domain/source/include.ts'

describe('gitignore patterns of a source', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'include-'))
    spawnSync('git', ['init', '-q', folder])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** What git itself says about these paths, none of which needs to exist. */
  function askGit(patterns: readonly string[], paths: readonly string[]): string[] {
    const input = `${paths.join('\0')}\0`
    const patternFile = `core.excludesFile=${join(folder, 'patterns')}`
    spawnSync('tee', [join(folder, 'patterns')], { input: `${patterns.join('\n')}\n` })
    const arguments_ = ['-C', folder, '-c', patternFile, 'check-ignore', '--no-index', '-z', '--stdin']
    const { stdout } = spawnSync('git', arguments_, { input, encoding: 'utf8' })
    return stdout.split('\0').filter((path) => path !== '')
  }

  const part = fc.constantFrom(
    'a',
    'b',
    'ab',
    '*',
    '**',
    '?',
    'a*',
    '*b',
    '[ab]',
    '[!a]',
    '\\a',
    'a**b',
    '[[:alpha:]]b',
  )
  const pattern = fc
    .tuple(
      fc.constantFrom('', '!'),
      fc.constantFrom('', '/'),
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('', '/'),
    )
    .map(([mark, front, parts, end]) => `${mark}${front}${parts.join('/')}${end}`)
  const paths = ['a', 'b', 'ab', 'aab', 'a/b', 'a/a', 'b/ab', 'a/b/a', 'a/a/b', 'b/a/b/ab', 'ab/a/ab/b', 'a/b/ab/a/b']

  it('mean what they mean to git', () => {
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 4 }), (patterns) => {
        expect({ patterns, matched: paths.filter(gitignoreTest(patterns)) }).toEqual({
          patterns,
          matched: askGit(patterns, paths),
        })
      }),
      { numRuns: 300 },
    )
  })
})
