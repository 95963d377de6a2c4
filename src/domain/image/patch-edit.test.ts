import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { editPatchFile, type PatchEdit } from './patch-edit.ts'

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'demo' },
  spec: {
    template: {
      spec: {
        containers: [
          { name: 'side', image: 's:1' },
          { name: 'app', image: 'a:1' },
        ],
      },
    },
  },
} as KubeObject
const release = {
  apiVersion: 'helm.fluxcd.io/v1',
  kind: 'HelmRelease',
  metadata: { name: 'db' },
  spec: {
    values: {
      image: { tag: '1' },
      list: [
        { name: 'x', image: 'x:1' },
        { name: 'y', image: 'y:1' },
      ],
    },
  },
} as KubeObject

const toApp = (value: string | undefined): PatchEdit => ({
  object: deployment,
  path: ['spec', 'template', 'spec', 'containers', 1, 'image'],
  value,
})
const automated = 'fluxcd.io/automated'
const policy = (value: string | undefined, isPrinted = false): PatchEdit => ({
  object: deployment,
  path: ['metadata', 'annotations', automated],
  value,
  isPrinted,
})

const head = 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: demo\n'
const spec = (container: string) => `spec:\n  template:\n    spec:\n      containers:\n        - name: ${container}\n`

describe('the patch file of a patchUpdated target', () => {
  it.each<[string, string, PatchEdit[], string]>([
    ['begins with a patch of the container', '', [toApp('a:2')], `${head}${spec('app')}          image: a:2\n`],
    [
      'keeps what it says, comments and all',
      `# by hand\n${head}${spec('app')}          image: a:1 # the app\n          tty: true\n`,
      [toApp('a:2')],
      `# by hand\n${head}${spec('app')}          image: a:2 # the app\n          tty: true\n`,
    ],
    [
      'gets a container beside others',
      `${head}${spec('side')}          image: s:2\n`,
      [toApp('a:2')],
      `${head}${spec('side')}          image: s:2\n        - name: app\n          image: a:2\n`,
    ],
    [
      'gets an object beside others, and only values of a HelmRelease that are maps',
      `${head}${spec('app')}          image: a:2\n`,
      [{ object: release, path: ['spec', 'values', 'image', 'tag'], value: '2' }],
      `${head}${spec('app')}          image: a:2\n---\napiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata:\n  name: db\nspec:\n  values:\n    image:\n      tag: "2"\n`,
    ],
    [
      'gets lists of a HelmRelease whole, since its patch replaces them',
      '',
      [{ object: release, path: ['spec', 'values', 'list', 1, 'image'], value: 'y:2' }],
      'apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata:\n  name: db\nspec:\n  values:\n    list:\n      - name: x\n        image: x:1\n      - name: "y"\n        image: y:2\n',
    ],
    [
      'is not taken for another object of the same name',
      head.replace('apps/v1', 'extensions.example/v1'),
      [policy('true')],
      `${head.replace('apps/v1', 'extensions.example/v1')}---\n${head}  annotations:\n    ${automated}: "true"\n`,
    ],
    ['gets a policy', head, [policy('true')], `${head}  annotations:\n    ${automated}: "true"\n`],
    [
      'loses a policy that it gave',
      `${head}  annotations:\n    a: b\n    ${automated}: "true"\n`,
      [policy(undefined)],
      `${head}  annotations:\n    a: b\n`,
    ],
    [
      'takes away a policy that the generators print',
      head,
      [policy(undefined, true)],
      `${head}  annotations:\n    ${automated}: null\n`,
    ],
    ['stays where there is nothing to take away', head, [policy(undefined)], head],
  ])('%s', (_what, before, edits, after) => {
    expect(editPatchFile(before, edits)).toEqual({ text: after })
  })

  it.each([
    ['is not YAML', 'a: [', /not valid YAML/],
    ['is a list', '- a', /no object/],
  ])('is left alone where it %s', (_what, text, why) => {
    expect(editPatchFile(text, [toApp('a:2')])).toEqual({ why: expect.stringMatching(why) as string })
  })
})
