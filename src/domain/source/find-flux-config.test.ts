import { describe, expect, it } from 'vitest'
import { findFluxConfig } from './find-flux-config.ts'
import { createTree, type TreeEntry } from './tree.ts'

function tree(...paths: string[]) {
  return createTree(
    paths.map((line): TreeEntry => {
      const [path = '', target] = line.split(' -> ')
      return { path, blob: '1', mode: target ? 'symlink' : 'file', ...(target ? { target } : {}) }
    }),
  )
}

describe('the .flux.yaml of a target', () => {
  const repository = tree(
    '.flux.yaml',
    'apps/a/x.yaml',
    'apps/b/.flux.yaml',
    'apps/b/deep/er/y.yaml',
    'apps/c/below/.flux.yaml',
    'shared/config',
    'linked/.flux.yaml -> ../shared/config',
    'broken/.flux.yaml -> /etc/passwd',
    'folder/.flux.yaml/x',
    'door -> apps/b',
  )
  it.each([
    ['in its own folder', 'apps/b', 'apps/b/.flux.yaml', 'apps/b'],
    ['in the nearest folder above', './apps/b/deep/er/', 'apps/b/.flux.yaml', 'apps/b/deep/er'],
    ['at the root, when nothing is nearer', 'apps/a', '.flux.yaml', 'apps/a'],
    ['at the root, for the root', '', '.flux.yaml', ''],
    ['never below it', 'apps/c', '.flux.yaml', 'apps/c'],
    ['the target itself', 'apps/b/.flux.yaml', 'apps/b/.flux.yaml', 'apps/b'],
    ['behind a link inside the repository', 'linked', 'shared/config', 'linked'],
    ['not behind a link that leads out', 'broken', '.flux.yaml', 'broken'],
    ['never a folder of that name', 'folder', '.flux.yaml', 'folder'],
    ['of a linked folder', 'door', 'apps/b/.flux.yaml', 'apps/b'],
  ])('is %s', (_, target, file, directory) => {
    expect(findFluxConfig(repository, target)).toEqual({ file, directory })
  })

  it.each([
    ['another file', 'apps/a/x.yaml'],
    ['nothing', 'nowhere'],
    ['a folder outside', '../apps/b'],
  ])('is none for %s', (_, target) => {
    expect(findFluxConfig(repository, target)).toBeUndefined()
  })

  it('is none where none is', () => {
    expect(findFluxConfig(tree('a/b.yaml', 'c/.flux.yaml'), 'a')).toBeUndefined()
  })
})
