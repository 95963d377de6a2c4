import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filesInScope } from './scope.ts'
import type { TreeEntry } from './tree.ts'

/** `path`, `path -> target` for a link, `path @` for a submodule. */
function tree(...lines: string[]): TreeEntry[] {
  return lines.map((line) => {
    const [path = '', arrow, target = ''] = line.split(' ')
    if (arrow === '->') return { path, blob: `link ${path}`, mode: 'symlink', target }
    return { path, blob: `blob ${path}`, mode: arrow === '@' ? 'submodule' : 'file' }
  })
}

function paths(entries: TreeEntry[], roots: string[] = []): string[] {
  return filesInScope(entries, { paths: roots }).files.map(({ path }) => path)
}

describe('the files of a sync', () => {
  const repository = tree('README.md', 'a.yaml', 'b/c.yml', 'b/d.yaml.txt', '.hidden/e.yaml', 'f/.g/h.yaml')

  it.each([
    ['all, hidden folders too, without a path', [], ['.hidden/e.yaml', 'a.yaml', 'b/c.yml', 'f/.g/h.yaml']],
    ['all for a dot', ['.'], ['.hidden/e.yaml', 'a.yaml', 'b/c.yml', 'f/.g/h.yaml']],
    ['those below a folder', ['b'], ['b/c.yml']],
    ['those below a folder written oddly', ['./b//'], ['b/c.yml']],
    ['one file', ['a.yaml'], ['a.yaml']],
    ['each once when paths overlap', ['b', 'b/c.yml', '.'], ['.hidden/e.yaml', 'a.yaml', 'b/c.yml', 'f/.g/h.yaml']],
    ['none of another name', ['README.md'], []],
  ])('are %s', (_, roots, expected) => {
    expect(paths(repository, roots)).toEqual(expected)
  })

  it('are not those of charts, wherever the chart is and whatever path leads into it', () => {
    const charts = tree(
      'x/Chart.yaml',
      'x/values.yaml',
      'x/templates/a.yaml',
      'x/charts/y/b.yaml',
      'z/Chart.yaml',
      'z/a.yaml',
    )
    expect(paths(charts)).toEqual(['z/Chart.yaml', 'z/a.yaml'])
    expect(paths(charts, ['x/templates'])).toEqual([])
    expect(paths(tree('Chart.yaml', 'values.yaml', 'a/b.yaml'))).toEqual([])
  })

  it('that only look like them are named', () => {
    expect(filesInScope(tree('a.YML', 'b.json', 'c.yaml~', 'd.yaml.bak', 'e.txt'), { paths: [] }).nearMisses).toEqual([
      'a.YML',
      'b.json',
      'c.yaml~',
      'd.yaml.bak',
    ])
  })

  it('are refused by their size', () => {
    const big = tree('a.yaml', 'b.yaml').map((entry, i) => ({ ...entry, size: i === 0 ? 5 * 1024 * 1024 + 1 : 1 }))
    const { files, problems } = filesInScope(big, { paths: [] })
    expect(files.map(({ path }) => path)).toEqual(['b.yaml'])
    expect(problems).toMatchObject([{ file: 'a.yaml', reason: 'InvalidYAML' }])
  })
})

describe('what is included and excluded', () => {
  const repository = tree('a.yaml', 'apps/b.yaml', 'apps/test/c.yaml', 'apps/test/sub @', 'docs/d.yml', 'docs/e.YML')

  it.each<[string, { paths?: string[]; include?: string[]; exclude?: string[] }, string[]]>([
    ['only what is included', { include: ['apps/'] }, ['apps/b.yaml', 'apps/test/c.yaml']],
    ['all but what is excluded', { exclude: ['test/', '*.yml'] }, ['a.yaml', 'apps/b.yaml']],
    ['the exclusion goes first', { include: ['apps'], exclude: ['test'] }, ['apps/b.yaml']],
    [
      'patterns begin at the root, whatever the paths',
      { paths: ['apps'], exclude: ['/test'] },
      ['apps/b.yaml', 'apps/test/c.yaml'],
    ],
    ['nothing of the paths', { paths: ['docs'], include: ['apps'] }, []],
  ])('%s', (_, rules, expected) => {
    expect(filesInScope(repository, { paths: [], ...rules }).files.map(({ path }) => path)).toEqual(expected)
  })

  it('complains about nothing that is left out', () => {
    const { problems, nearMisses } = filesInScope(repository, { paths: [], exclude: ['test', '*.YML'] })
    expect({ problems, nearMisses }).toEqual({ problems: [], nearMisses: [] })
  })

  it('a link is judged by its own path', () => {
    const links = tree('a.yaml -> real.txt', 'real.txt')
    expect(filesInScope(links, { paths: [], exclude: ['real.txt'] }).files).toHaveLength(1)
    expect(filesInScope(links, { paths: [], exclude: ['a.yaml'] }).files).toHaveLength(0)
  })
})

describe('more bytes than are read', () => {
  const two = tree('a.yaml', 'b.yaml', 'c.txt').map((entry) => ({ ...entry, size: 3_000_000 }))

  it('leave every file out and are a problem, so that nothing is deleted', () => {
    const { files, problems } = filesInScope(two, { paths: [], maxBytes: 5_999_999 })
    expect(files).toEqual([])
    expect(problems).toEqual([
      {
        reason: 'SourceTooLarge',
        file: '',
        line: 0,
        message: 'the files to read have 6 MB together; at most 6 MB are read (--max-source-size)',
      },
    ])
  })

  it('are counted over the files that are read', () => {
    expect(filesInScope(two, { paths: [], maxBytes: 6_000_000 }).files).toHaveLength(2)
    expect(filesInScope(two, { paths: [], exclude: ['b.yaml'], maxBytes: 3_000_000 }).files).toHaveLength(1)
  })
})

describe('a path that is not there', () => {
  it.each([
    ['one', ['b', 'nope'], "'nope' does not exist in the repository at this revision"],
    ['several', ['nope', 'b/c', '../x'], "'nope', 'b/c', '../x' do not exist in the repository at this revision"],
  ])('stops the sync and is named: %s', (_, roots, message) => {
    expect(() => filesInScope(tree('b/a.yaml'), { paths: roots })).toThrow(
      expect.objectContaining({ reason: 'PathNotFound', message }),
    )
  })
})

describe('a link', () => {
  it('is read as the file that it leads to', () => {
    const { files, problems } = filesInScope(tree('a/link.yaml -> ../b/file.txt', 'b/file.txt'), { paths: ['a'] })
    expect(files).toEqual([{ path: 'a/link.yaml', blob: 'blob b/file.txt', mode: 'file', target: '../b/file.txt' }])
    expect(problems).toEqual([])
  })

  it('through other links, also of folders, leads where the file system would', () => {
    expect(paths(tree('x.yaml -> dir/y.yaml', 'dir -> real/deep', 'real/deep/y.yaml -> ../z', 'real/z'))).toEqual([
      'x.yaml',
    ])
  })

  it('to a file that is read anyway adds nothing', () => {
    expect(paths(tree('a.yaml', 'b.yaml -> a.yaml', 'c.yaml -> a.yaml'))).toEqual(['a.yaml'])
  })

  it.each([
    ['out of the repository', 'a.yaml -> ../../etc/passwd'],
    ['to an absolute path', 'a.yaml -> /etc/passwd'],
    ['nowhere', 'a.yaml -> nope'],
    ['to itself', 'a.yaml -> a.yaml'],
    ['to a folder', 'a.yaml -> b'],
  ])('that leads %s could not be read', (_, link) => {
    const { files, problems } = filesInScope(tree(link, 'b/c.txt'), { paths: [] })
    expect(files).toEqual([])
    expect(problems).toMatchObject([{ file: 'a.yaml', reason: 'PathNotFound' }])
  })

  it('that is no manifest does not matter, one to a folder is not entered', () => {
    expect(filesInScope(tree('x -> /etc', 'y -> z', 'z/a.yaml'), { paths: ['.'] })).toMatchObject({
      problems: [],
      files: [{ path: 'z/a.yaml' }],
    })
  })

  it('may stand in a path to sync', () => {
    expect(paths(tree('cluster -> envs/prod', 'envs/prod/a.yaml'), ['cluster'])).toEqual(['envs/prod/a.yaml'])
  })
})

describe('a submodule', () => {
  const entries = tree('a/x.yaml', 'a/sub @', 'b/sub @')

  it('below the paths is told and keeps nothing from being applied, elsewhere it does not matter', () => {
    const { files, problems, warnings } = filesInScope(entries, { paths: ['a'] })
    expect(files).toHaveLength(1)
    expect(problems).toEqual([])
    expect(warnings).toMatchObject([{ file: 'a/sub', reason: 'PathNotFound' }])
  })

  it('that is a path itself could not be read', () => {
    const { problems } = filesInScope(entries, { paths: ['a/sub', 'b'] })
    expect(problems).toMatchObject([{ file: 'a/sub', reason: 'PathNotFound' }])
  })
})

describe('no tree and no path', () => {
  const part = fc.constantFrom('a', 'b', '..', '.', 'c.yaml', 'Chart.yaml', 'values.yaml', '')
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
  const name = fc.constantFrom(
    'a',
    'b',
    'c.yaml',
    'a/c.yaml',
    'a/b',
    'a/b/c.yaml',
    'b/c.yaml',
    'a/Chart.yaml',
    'a/values.yaml',
  )
  const entry: fc.Arbitrary<TreeEntry> = fc.record({
    path: name,
    blob: fc.constantFrom('1', '2'),
    mode: fc.constantFrom('file', 'executable', 'symlink', 'submodule'),
    target: path,
  })

  it('lets a file in that is not below the paths', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: ({ path: key }) => key }),
        fc.array(name, { maxLength: 2 }),
        (entries, roots) => {
          const plain = entries.filter(({ mode }) => mode !== 'symlink')
          let found: string[]
          try {
            found = paths(plain, roots)
          } catch {
            return
          }
          for (const file of found)
            expect(roots.length === 0 || roots.some((root) => file === root || file.startsWith(`${root}/`))).toBe(true)
        },
      ),
    )
  })

  it('makes it hang or reads a blob that the tree does not hold', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: ({ path: key }) => key }),
        fc.array(path, { maxLength: 2 }),
        (entries, roots) => {
          try {
            const known = new Set(
              entries.filter(({ mode }) => mode === 'file' || mode === 'executable').map(({ blob }) => blob),
            )
            for (const { blob } of filesInScope(entries, { paths: roots }).files) expect(known.has(blob)).toBe(true)
          } catch (error) {
            expect(error).toMatchObject({ reason: 'PathNotFound' })
          }
        },
      ),
    )
  })
})
