import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { parseManifests } from '../../src/domain/manifest/parse.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import type { Rendered } from '../../src/jobs/sync-source/render.ts'
import { configMap, startWorkbench, type Workbench } from './workbench.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await startWorkbench()
})
afterEach(() => {
  expect(bench.leftovers()).toEqual([])
})
afterAll(() => bench.close())

const flux = (command: string, patchFile = 'flux-patch.yaml') =>
  JSON.stringify({ version: 1, patchUpdated: { generators: [{ command }], patchFile } })
const objects = ({ outputs }: Rendered): KubeObject[] =>
  outputs.flatMap(({ file, text }) => parseManifests({ file, text }).objects.map(({ object }) => object))
const generate = { generate: true }

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'podinfo', namespace: 'demo' },
  spec: {
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
    template: {
      metadata: { annotations: { big: '12345678901234567890' } },
      spec: {
        containers: [
          { name: 'proxy', image: 'proxy:1' },
          { name: 'podinfod', image: 'podinfo:1.3.2', env: [{ name: 'A', value: 'b' }] },
        ],
      },
    },
  },
}
const release = {
  apiVersion: 'helm.fluxcd.io/v1',
  kind: 'HelmRelease',
  metadata: { name: 'podinfo', namespace: 'demo' },
  spec: { values: { list: [{ name: 'a', x: 1 }, { name: 'b' }], image: { tag: 1 }, gone: true } },
}

describe('patchUpdated', () => {
  it('builds the example of fluxd: a base, two overlays, patches with annotations and images', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo' } }
    bench.write({
      '.flux.yaml': flux('kustomize build .'),
      'base/kustomization.yaml': 'resources: [dep.yaml, ns.yaml]\n',
      'base/dep.yaml': stringify(deployment),
      'base/ns.yaml': stringify(namespace),
      'staging/kustomization.yaml': 'bases: [../base/]\n',
      'staging/flux-patch.yaml': [
        '---\napiVersion: apps/v1\nkind: Deployment\nmetadata:',
        '  annotations: {fluxcd.io/automated: "true"}',
        '  name: podinfo\n  namespace: demo',
        'spec:\n  template:\n    spec:',
        '      $setElementOrder/containers:\n      - name: proxy\n      - name: podinfod',
        '      containers:\n      - image: podinfo:1.4.4\n        name: podinfod\n',
      ].join('\n'),
      'production/kustomization.yaml': 'bases: [../base/]\npatchesStrategicMerge: [replicas.yaml]\n',
      'production/replicas.yaml': stringify({ ...deployment, spec: { replicas: 2 } }),
    })
    const rendered = await bench.render({ ...generate, paths: ['staging', 'production'] })
    expect(rendered).toMatchObject({ plainPaths: [], problems: [], warnings: [] })
    const { metadata, spec } = deployment
    const staging = {
      ...deployment,
      metadata: { ...metadata, annotations: { 'fluxcd.io/automated': 'true' } },
      spec: {
        ...spec,
        template: {
          ...spec.template,
          spec: {
            containers: [
              spec.template.spec.containers[0],
              { ...spec.template.spec.containers[1], image: 'podinfo:1.4.4' },
            ],
          },
        },
      },
    }
    expect(objects(rendered)).toEqual([
      namespace,
      staging,
      namespace,
      { ...deployment, spec: { ...spec, replicas: 2 } },
    ])
  })

  it('without the patch file is what the generators printed, in the order of IDs', async () => {
    bench.write({
      '.flux.yaml': flux('cat z.yaml; echo ---; cat a.yaml'),
      'z.yaml': configMap('z'),
      'a.yaml': configMap('a'),
    })
    expect(objects(await bench.render(generate)).map(({ metadata }) => metadata.name)).toEqual(['a', 'z'])
    bench.write({ '.flux.yaml': flux('cat z.yaml', 'no/such.yaml'), 'z.yaml': configMap('z') })
    expect(await bench.render(generate)).toMatchObject({
      outputs: [],
      problems: [{ reason: 'GeneratorFailed', message: "the folder of the patchFile 'no/such.yaml' does not exist" }],
    })
  })

  it('takes away annotations that the patch says are null', async () => {
    const { metadata } = deployment
    const printed = { ...deployment, metadata: { ...metadata, annotations: { 'fluxcd.io/automated': 'true', a: 'b' } } }
    bench.write({
      '.flux.yaml': flux('cat all.yaml'),
      'all.yaml': stringify(printed),
      'flux-patch.yaml': stringify({
        ...deployment,
        spec: {},
        metadata: { ...metadata, annotations: { 'fluxcd.io/automated': null } },
      }),
    })
    const [found] = objects(await bench.render(generate))
    expect(found?.metadata.annotations).toEqual({ a: 'b' })
  })

  it('merges built-in kinds by their keys and others as JSON', async () => {
    bench.write({
      '.flux.yaml': flux('cat out.yaml'),
      'out.yaml': [deployment, release].map((one) => stringify(one)).join('---\n'),
      'flux-patch.yaml': [
        {
          ...deployment,
          spec: {
            strategy: { $retainKeys: ['type'], type: 'Recreate' },
            template: {
              spec: {
                containers: [
                  { name: 'podinfod', image: 'podinfo:2' },
                  { name: 'proxy', $patch: 'delete' },
                ],
              },
            },
          },
        },
        { ...release, spec: { values: { list: [{ name: 'a', x: 2 }], image: { tag: 2 }, gone: null } } },
      ]
        .map((one) => stringify(one))
        .join('---\n'),
    })
    const rendered = await bench.render(generate)
    expect(rendered.problems).toEqual([])
    const [patched, other] = objects(rendered)
    expect(patched?.spec).toEqual({
      strategy: { type: 'Recreate' },
      template: {
        metadata: { annotations: { big: '12345678901234567890' } },
        spec: { containers: [{ name: 'podinfod', image: 'podinfo:2', env: [{ name: 'A', value: 'b' }] }] },
      },
    })
    expect(other).toEqual({ ...release, spec: { values: { list: [{ name: 'a', x: 2 }], image: { tag: 2 } } } })
  })

  it('leaves objects of the same name in other namespaces alone, and what is not patched as it was printed', async () => {
    const map = (namespace: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x', namespace },
      data: { a: namespace },
    })
    bench.write({
      '.flux.yaml': flux('cat out.yaml'),
      'out.yaml':
        ['one', 'two', 'default'].map((one) => stringify(map(one))).join('---\n') +
        `---\n${configMap('x')}---\n${configMap('x')}`,
      'flux-patch.yaml':
        stringify({ ...map('two'), data: { b: 'c' } }) + `---\n${stringify({ ...map('default'), data: { d: 'e' } })}`,
    })
    const rendered = await bench.render(generate)
    expect(rendered.problems).toEqual([])
    expect(objects(rendered)).toEqual([
      parse(configMap('x')),
      parse(configMap('x')),
      { ...map('default'), data: { a: 'default', d: 'e' } },
      map('one'),
      { ...map('two'), data: { a: 'two', b: 'c' } },
    ])
  })

  it('drops a patch for an object that is gone with a warning; all else is applied', async () => {
    bench.write({
      'app/.flux.yaml': flux('cat out.yaml', './flux-patch.yaml'),
      'app/out.yaml': configMap('x', { a: '1' }),
      'app/flux-patch.yaml': `${configMap('gone')}---\n${configMap('x', { b: '2' })}`,
    })
    const rendered = await bench.render({ ...generate, paths: ['app'] })
    expect(rendered.problems).toEqual([])
    expect(rendered.warnings).toMatchObject([
      {
        file: 'app/flux-patch.yaml',
        line: 1,
        message: expect.stringMatching(/the patch for <cluster>:configmap\/gone was left out/),
      },
    ])
    expect(objects(rendered)).toMatchObject([{ data: { a: '1', b: '2' } }])
  })

  it.each([
    ['a patch file that is no YAML', 'echo', 'a: [', 'InvalidYAML', /./],
    ['generators that print no YAML', 'echo "a: ["', '', 'InvalidYAML', /in what the generators printed/],
    ['generators that fail', 'exit 4', '', 'GeneratorFailed', /exit code 4/],
    [
      'a patch that kustomize refuses',
      `cat x.yaml`,
      `${configMap('x').replace('"data":{}', '"data":["a"]')}`,
      'KustomizeFailed',
      /kustomize build failed/,
    ],
  ])('with %s is a problem and no part of the output is used', async (...[, command, patch, reason, message]) => {
    bench.write({ '.flux.yaml': flux(command), 'flux-patch.yaml': patch, 'x.yaml': configMap('x', { a: 'b' }) })
    const { outputs, problems } = await bench.render(generate)
    expect(outputs).toEqual([])
    expect(problems).toMatchObject([{ reason, message: expect.stringMatching(message) }])
  })
})
