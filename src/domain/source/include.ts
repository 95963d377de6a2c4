import { partWildcard, type Wildcard } from '../manifest/wildcard.ts'

/** Which files of a repository a source reads, as gitignore patterns from the root of the repository. */
export type IncludeRules = {
  /** Only what these match is read; empty means all. */
  include?: readonly string[] | undefined
  /** What these match is not read; goes before `include`. */
  exclude?: readonly string[] | undefined
}

/** The test that says whether a file at this path is read. Make it once and ask it for every path of a tree. */
export function makeIncludeTest({ include = [], exclude = [] }: IncludeRules): (path: string) => boolean {
  const isIncluded = include.length > 0 ? gitignoreTest(include) : () => true
  const isExcluded = exclude.length > 0 ? gitignoreTest(exclude) : () => false
  return (path) => !isExcluded(path) && isIncluded(path)
}

type Rule = { negated: boolean; folderOnly: boolean; test: (parts: readonly string[]) => boolean }

/**
 * Whether a file is matched by patterns written as in a .gitignore (git's documentation, "PATTERN FORMAT"): the last that matches
 * counts, `!` takes back, and nothing below a matched folder can be taken back. Case counts. Time grows with patterns and path,
 * never with their combinations.
 */
export function gitignoreTest(patterns: readonly string[]): (path: string) => boolean {
  const rules = patterns.map(readRule).filter((rule) => rule !== undefined)
  const folders = new Map<string, boolean>()

  function isFolderMatched(path: string): boolean {
    const known = folders.get(path)
    if (known !== undefined) return known
    const matched = isBelowMatched(path) || decide(rules, path.split('/'), true)
    folders.set(path, matched)
    return matched
  }

  function isBelowMatched(path: string): boolean {
    const slash = path.lastIndexOf('/')
    return slash > 0 && isFolderMatched(path.slice(0, slash))
  }

  return (path) => isBelowMatched(path) || decide(rules, path.split('/'), false)
}

function decide(rules: readonly Rule[], parts: readonly string[], isFolder: boolean): boolean {
  const last = rules.findLast(({ folderOnly, test }) => (isFolder || !folderOnly) && test(parts))
  return last !== undefined && !last.negated
}

function readRule(line: string): Rule | undefined {
  const trimmed = withoutTrailingBlanks(line)
  const negated = trimmed.startsWith('!')
  const body = negated ? trimmed.slice(1) : trimmed
  const folderOnly = body.endsWith('/')
  const pattern = folderOnly ? body.slice(0, -1) : body
  if (trimmed.startsWith('#') || pattern === '') return undefined
  return { negated, folderOnly, test: pattern.includes('/') ? pathTest(pattern) : nameTest(pattern) }
}

/** A blank that is escaped stays. */
function withoutTrailingBlanks(line: string): string {
  let end = line.length
  while (end > 0 && line[end - 1] === ' ' && line[end - 2] !== '\\') end--
  return line.slice(0, end)
}

/** Without a slash: the name alone counts, at any depth. */
function nameTest(pattern: string): Rule['test'] {
  const matches = partWildcard(pattern)
  return (parts) => matches(parts.at(-1) ?? '')
}

/** With a slash: the whole path, from the root. */
function pathTest(pattern: string): Rule['test'] {
  const parts = pattern.replace(/^\//, '').split('/')
  const tests = parts.map((part): Wildcard | 'folders' => (part === '**' ? 'folders' : partWildcard(part)))
  return (path) => matchParts(tests, path)
}

/** Follows all ways through the pattern at once: `**` stands for any number of folders, at the end for at least one name. */
function matchParts(tests: readonly (Wildcard | 'folders')[], path: readonly string[]): boolean {
  let ways = skipFolders(tests, new Set([0]))
  for (const part of path) {
    const next = new Set<number>()
    for (const way of ways) {
      const test = tests[way]
      if (test === 'folders') next.add(way === tests.length - 1 ? tests.length : way)
      else if (test?.(part)) next.add(way + 1)
      if (test === 'folders' && way === tests.length - 1) next.add(way)
    }
    ways = skipFolders(tests, next)
  }
  return ways.has(tests.length)
}

/** `**` may also stand for no folder, unless it is the last part. */
function skipFolders(tests: readonly (Wildcard | 'folders')[], ways: Set<number>): Set<number> {
  for (const way of ways) if (tests[way] === 'folders' && way < tests.length - 1) ways.add(way + 1)
  return ways
}
