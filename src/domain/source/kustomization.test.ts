import { describe, expect, it } from 'vitest'
import { findKustomization, type KustomizeFiles, refuseKustomization } from './kustomization.ts'

function files(contents: Record<string, string>): KustomizeFiles {
  const paths = Object.keys(contents)
  return {
    kindOf: (path) =>
      path in contents ? 'file' : path === '' || paths.some((one) => one.startsWith(`${path}/`)) ? 'folder' : undefined,
    read: (path) => contents[path] ?? '',
  }
}

const local = { remote: false }
const one = (kustomization: string, more: Record<string, string> = {}) =>
  refuseKustomization(files({ 'app/kustomization.yaml': kustomization, 'app/x.yaml': '', ...more }), 'app', local)

describe('a kustomization', () => {
  it.each([
    ['with files', 'resources: [x.yaml]\n'],
    ['that is empty', '# nothing\n'],
    ['with a URL where none is loaded', 'commonAnnotations: {docs: "https://example.com/x"}\nresources: [./x.yaml]\n'],
    ['with a base beside it', 'bases: [../base/]\nresources: [../base//sub/..]\n'],
    ['with patches in it', 'patches: [{patch: "a: b"}]\npatchesStrategicMerge: ["a: b\\nc: https://x.y"]\n'],
    ['with a field that is called path', 'labels: [{pairs: {a: b}, fields: [{path: spec/template/labels}]}]\n'],
    [
      'with sources of maps',
      'configMapGenerator: [{name: a, files: [key=x.yaml, x.yaml], literals: ["u=https://x.y"]}]\n',
    ],
    [
      'with a transformer of its own',
      'transformers:\n- |\n  apiVersion: builtin\n  kind: LabelTransformer\n  metadata: {name: x}\n',
    ],
    ['that says that it has no charts', 'helmCharts: []\nresources: [x.yaml]\n'],
  ])('%s may be built', (_, text) => {
    const more = { 'base/Kustomization': 'resources: [y.yaml]', 'base/y.yaml': '', 'base/sub/z': '' }
    expect(one(text, more)).toBeUndefined()
  })

  it.each([
    'https://example.com/x.yaml',
    'http://127.0.0.1:1/x.yaml',
    'HTTPS://example.com/x.yaml',
    'https://github.com/a/b//c?ref=main',
    'github.com/a/b',
    'GitHub.com/a/b',
    'git@github.com:a/b.git',
    'org-1@ghe.example.com:a/b',
    'git::https://example.com/a',
    'gh:a/b',
    'ssh://git@example.com/a',
    'file:///etc',
    'example.com:a/b',
    '/etc',
    '../../etc',
  ])('with the base %s is refused', (base) => {
    for (const key of [
      'resources',
      'bases',
      'components',
      'Resources',
      'reſources',
      'generators',
      'transformers',
      'validators',
    ])
      expect(one(JSON.stringify({ [key]: [base] }))).toMatchObject({
        reason: 'RemoteBase',
        file: 'app/kustomization.yaml',
      })
  })

  it.each([
    ['crds', ['https://x.y/z']],
    ['configurations', ['https://x.y/z']],
    ['patchesStrategicMerge', ['https://x.y/z']],
    ['patches', [{ path: 'https://x.y/z' }]],
    ['patchesJson6902', [{ Path: 'https://x.y/z' }]],
    ['replacements', [{ path: 'https://x.y/z' }]],
    ['openapi', { path: 'https://x.y/z' }],
    ['configMapGenerator', [{ files: ['k=https://x.y/z'] }]],
    ['secretGenerator', [{ envs: ['https://x.y/z'] }]],
    ['configMapGenerator', [{ env: 'https://x.y/z' }]],
    ['transformers', ['apiVersion: builtin\nkind: PatchTransformer\npath: https://x.y/z\n']],
    ['generators', ['apiVersion: builtin\nkind: ConfigMapGenerator\nfiles: [https://x.y/z]\n']],
    ['generators', ['gen.yaml']],
    ['generators', ['plugins']],
    ['transformers', ['apiVersion: builtin\nkind: ReplacementTransformer\nreplacements: [{path: https://x.y/z}]\n']],
  ])('with a URL under %s is refused', (key, value) => {
    const gen = 'apiVersion: builtin\nkind: ConfigMapGenerator\nfiles: [https://x.y/z]\n'
    const more = {
      'app/gen.yaml': gen,
      'app/plugins/kustomization.yaml': 'resources: [gen.yaml]',
      'app/plugins/gen.yaml': gen,
    }
    expect(one(JSON.stringify({ [key]: value }), more)).toMatchObject({ reason: 'RemoteBase' })
  })

  it.each([
    ['helmCharts', 'helmCharts: [{name: a}]', /runs helm/],
    ['helmGlobals', 'HelmGlobals: {configHome: x}', /runs helm/],
    ['an old helm generator', 'helmChartInflationGenerator: [{chartName: a}]', /runs helm/],
    ['a helm plugin', 'generators: ["apiVersion: builtin\\nkind: HelmChartInflationGenerator\\n"]', /runs helm/],
    ['a Go or exec plugin', 'transformers: ["apiVersion: someteam.example.com/v1\\nkind: Evil\\n"]', /run a program/],
    [
      'a function',
      'generators: ["apiVersion: builtin\\nkind: X\\nmetadata: {annotations: {config.kubernetes.io/function: a}}\\n"]',
      /program or a container/,
    ],
    ['a file that is not there', 'resources: [no.yaml]', /'no.yaml' does not exist/],
    ['a folder without a kustomization', 'resources: [empty]', /'app\/empty' holds no kustomization/],
    ['two documents', 'resources: []\n---\nresources: []\n', /one YAML document/],
    ['broken YAML', 'resources: [', /not valid YAML at line 1$/],
  ])('with %s is refused', (_, text, message) => {
    expect(one(text, { 'app/empty/x': '' })).toMatchObject({
      reason: 'KustomizeFailed',
      message: expect.stringMatching(message),
    })
  })

  it('that includes itself or each other is refused with the circle', () => {
    expect(one('resources: [../app]')?.message).toMatch(/circle: app → app/)
    const pair = files({ 'a/kustomization.yml': 'resources: [../b]', 'b/kustomization.yml': 'components: [../a]' })
    expect(refuseKustomization(pair, 'a', local)?.message).toMatch(/circle: a → b → a/)
    expect(refuseKustomization(files({ Kustomization: 'resources: [.]' }), '', local)?.message).toMatch(/circle/)
  })

  it.each([
    [32, undefined],
    [33, /deeper than 32/],
  ])('of %i levels', (levels, message) => {
    const chain = Object.fromEntries(
      Array.from({ length: levels }, (_, at) => [
        `l${at}/kustomization.yaml`,
        at + 1 < levels ? `resources: [../l${at + 1}]` : '',
      ]),
    )
    const problem = refuseKustomization(files(chain), 'l0', local)
    if (message) expect(problem?.message).toMatch(message)
    else expect(problem).toBeUndefined()
    // the deep part is known before it is reached by the longer way
    const twice = { ...chain, 'l0/kustomization.yaml': 'resources: [../l20, ../l1]' }
    expect(refuseKustomization(files(twice), 'l0', local)?.message).toEqual(problem?.message)
  })

  it('that doubles at each level is refused, not walked', () => {
    const chain = Object.fromEntries(
      Array.from({ length: 30 }, (_, at) => [
        `l${at}/kustomization.yaml`,
        at < 29 ? `resources: [../l${at + 1}, ../l${at + 1}/.]` : '',
      ]),
    )
    expect(refuseKustomization(files(chain), 'l0', local)?.message).toMatch(/more than 1000/)
  })

  it('with remote bases passes where they are allowed, but what is local must still be there', () => {
    const allowed = (text: string) => refuseKustomization(files({ 'kustomization.yaml': text }), '', { remote: true })
    expect(allowed('resources: ["https://example.com/a", "github.com/a/b"]')).toBeUndefined()
    expect(allowed('resources: [nowhere]')).toMatchObject({ reason: 'KustomizeFailed' })
    for (const option of [
      '--upload-pack=touch:x',
      'https://example.com/a?ref=--upload-pack=x',
      'gh:a/b?x=1&version=%2Dx',
    ])
      expect(allowed(JSON.stringify({ resources: [option] }))).toMatchObject({ reason: 'KustomizeFailed' })
    expect(allowed('resources: [../x]')).toMatchObject({ reason: 'RemoteBase' })
  })

  it('is found under each of its names, only as a file', () => {
    const tree = files({ 'a/Kustomization': '', 'b/kustomization.yml': '', 'c/kustomization.yaml/x': '' })
    expect(['a', 'b', 'c', ''].map((folder) => findKustomization(tree, folder))).toEqual([
      'a/Kustomization',
      'b/kustomization.yml',
      undefined,
      undefined,
    ])
  })
})
