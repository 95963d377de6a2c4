import { spawn } from 'node:child_process'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { parseTagFilter } from '../../src/domain/image/tag-filter.ts'
import { buildWithFlux } from '../stack/go-program.ts'

const source = fileURLToPath(new URL('patterns.go', import.meta.url))

const pieces = ['', '*', 'a', 'ab', 'v1', '1.', '-', 'master']
const globs = pieces.flatMap((one) => pieces.flatMap((two) => pieces.map((three) => `glob:${one}${two}${three}`)))
const others =
  '* a* *a *a*a a*a ab*ba **a a** glob: glob:* semver:* semver:~1 semver:>=1.0.0-0 semver:1.x.x semver: semver:no regexp:^a regex:b$ regexp:.* regexp:[ regexp:^(a|b)+$ regexp:\\d+ regex:'.split(
    ' ',
  )
const patterns = [...new Set([...globs, ...others])]
const tags =
  'a aa aba ab ba b abab v1 v1a 1. 1.0 1.2.3 v1.2.3 1.2.3-rc.1 2.0.0 master master-a amaster 1.-a -a a- a-b v1-1.a 0 01'.split(
    ' ',
  )

/** What fluxd takes, by its own package and the libraries that it used. */
async function asFluxd(): Promise<boolean[][]> {
  const child = spawn(await buildWithFlux(source, 'flux-patterns'), { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify({ Patterns: patterns, Tags: tags }))
  return (await json(child.stdout)) as boolean[][]
}

it(`${patterns.length} patterns take the same of ${tags.length} tags as fluxd's own (flux-v1 §15)`, async () => {
  const theirs = await asFluxd()
  const differences = patterns.flatMap((pattern, at) => {
    const read = parseTagFilter(pattern)
    if ('problem' in read) return []
    return tags.flatMap((tag, nth) => {
      const ours = read.filter.part(tag) !== undefined
      return ours === theirs[at]?.[nth] ? [] : [`${pattern} takes ${tag}: ${ours}, and theirs ${theirs[at]?.[nth]}`]
    })
  })
  expect(theirs).toHaveLength(patterns.length)
  // what cannot be read took at fluxd whatever it liked, and is told here
  expect(patterns.filter((pattern) => 'problem' in parseTagFilter(pattern))).toEqual([
    'semver:',
    'semver:no',
    'regexp:[',
  ])
  expect(differences).toEqual([])
})
