import { describe, expect, it } from 'vitest'
import { parseManifests } from '../manifest/parse.ts'
import { locateImages, pullSecretsOf } from './locate.ts'
import { printRef } from './ref.ts'
import { valueAt } from './value-at.ts'

function objectOf(text: string) {
  const object = parseManifests({ file: 'a.yaml', text }).objects[0]?.object
  if (!object) throw new Error('not a manifest')
  return object
}

/** `name image @path`, and what is in the way. */
function located(text: string): string[] | undefined {
  const object = objectOf(text)
  return locateImages(object)?.map(({ name, image, path, text: scalar, problem }) => {
    if (!problem) expect(valueAt(object, path)).toBe(scalar)
    return `${name} ${printRef(image)} @${path.join('.')}${problem ? ` (${problem})` : ''}`
  })
}

const head = (kind: string, apiVersion = 'apps/v1') => `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x}\n`

function indented(text: string, by: string): string {
  return text.replaceAll(/^/gm, by)
}

function release(values: string, annotations = ''): string {
  const notes = annotations && `  annotations:\n${indented(annotations, '    ')}\n`
  return `apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata:\n  name: x\n${notes}spec:\n  values:\n${indented(values, '    ')}\n`
}

describe('locateImages in workloads', () => {
  const pod = `spec:
  template:
    spec:
      initContainers:
      - {name: init, image: 'busybox:1'}
      containers:
      - name: app
        image: quay.io/app:1.0
      - name: side
        image: side
`
  const found = [
    'app quay.io/app:1.0 @spec.template.spec.containers.0.image',
    'side side @spec.template.spec.containers.1.image',
    'init busybox:1 @spec.template.spec.initContainers.0.image',
  ]
  it.each([
    ['Deployment', 'apps/v1'],
    ['Deployment', 'extensions/v1beta1'],
    ['DaemonSet', 'apps/v1'],
    ['StatefulSet', 'apps/v1'],
  ])('%s of %s: containers first, then initContainers', (kind, version) => {
    expect(located(head(kind, version) + pod)).toEqual(found)
  })

  it.each(['batch/v1', 'batch/v1beta1'])('CronJob of %s', (version) => {
    const spec = 'spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: "a/b:1"}]}}}}}\n'
    expect(located(head('CronJob', version) + spec)).toEqual([
      'c a/b:1 @spec.jobTemplate.spec.template.spec.containers.0.image',
    ])
  })

  it.each(['Job', 'Pod', 'ReplicaSet', 'ConfigMap', 'FluxHelmRelease'])('%s is no workload', (kind) => {
    expect(located(head(kind) + pod)).toBeUndefined()
  })

  it.each([
    ['no spec', ''],
    ['an empty spec', 'spec: null\n'],
    ['containers that are no list', 'spec: {template: {spec: {containers: {a: b}}}}\n'],
    ['a container that is no mapping', 'spec: {template: {spec: {containers: [1, null, x]}}}\n'],
    ['a container without an image', 'spec: {template: {spec: {containers: [{name: a}]}}}\n'],
    ['a template in place of an image', 'spec: {template: {spec: {containers: [{name: a, image: "${IMAGE}"}]}}}\n'],
    ['an image that is a number', 'spec: {template: {spec: {containers: [{name: a, image: 1}]}}}\n'],
  ])('passes over %s', (_, spec) => {
    expect(located(head('Deployment') + spec)).toEqual([])
  })

  it('knows the pull secrets of the pod', () => {
    const spec = 'spec: {template: {spec: {imagePullSecrets: [{name: a}, {}, null, {name: b}], containers: []}}}\n'
    expect(pullSecretsOf(objectOf(head('Deployment') + spec))).toEqual(['a', 'b'])
    expect(pullSecretsOf(objectOf(head('Deployment')))).toEqual([])
  })
})

describe('locateImages in the values of a HelmRelease', () => {
  const rows: [shape: string, values: string, expected: string[]][] = [
    ['1: a whole reference', 'image: repo/name:1.0', ['chart-image repo/name:1.0 @spec.values.image']],
    ['2: image and tag', 'image: repo/name\ntag: "1.0"', ['chart-image repo/name:1.0 @spec.values.tag']],
    [
      '3: registry, image and tag',
      'registry: quay.io\nimage: repo/name\ntag: v1',
      ['chart-image quay.io/repo/name:v1 @spec.values.tag'],
    ],
    [
      '4: registry and image with tag',
      'registry: quay.io\nimage: repo/name:v1',
      ['chart-image quay.io/repo/name:v1 @spec.values.image'],
    ],
    [
      '5: repository with tag',
      'image:\n  repository: repo/name:v1',
      ['chart-image repo/name:v1 @spec.values.image.repository'],
    ],
    [
      '6: repository and tag',
      'image:\n  repository: repo/name\n  tag: v1',
      ['chart-image repo/name:v1 @spec.values.image.tag'],
    ],
    [
      '7: registry, repository and tag',
      'image:\n  registry: quay.io\n  repository: name\n  tag: v1',
      ['chart-image quay.io/name:v1 @spec.values.image.tag'],
    ],
    [
      '8: registry and repository with tag',
      'image:\n  registry: quay.io\n  repository: name:v1',
      ['chart-image quay.io/name:v1 @spec.values.image.repository'],
    ],
    [
      'one level deeper, by the key; the top first',
      'b: {image: "b:1"}\na: {image: {repository: a, tag: v2}}\nimage: top:3',
      ['chart-image top:3 @spec.values.image', 'a a:v2 @spec.values.a.image.tag', 'b b:1 @spec.values.b.image'],
    ],
    ['not two levels deeper', 'a: {b: {image: "x:1"}}', []],
    ['not inside a list', 'a: [{image: "x:1"}]', []],
    ['not without an image key', 'repository: x\ntag: v1', []],
    ['not with an empty tag', 'image: {repository: x, tag: ""}', []],
    ['not with an empty registry', 'image: {registry: "", repository: x, tag: v1}', []],
    [
      'a tag that is a number has no safe place for a new one',
      'image: {repository: x, tag: 1.10}',
      ['chart-image x @spec.values.image.tag (the tag in the values is not a text; put it in quotes)'],
    ],
    [
      'an image without a tag might get two',
      'image: {repository: x}',
      [
        'chart-image x @spec.values.image.repository (the values name the image without a tag, so there is none to change)',
      ],
    ],
  ]
  it.each(rows)('%s', (_, values, expected) => {
    expect(located(release(values))).toEqual(expected)
  })

  const mapped: [combination: string, annotations: string, expected: string[]][] = [
    ['repository alone', 'repository.fluxcd.io/x: deep.er.full', ['x quay.io/a:1 @spec.values.deep.er.full']],
    [
      'repository and tag',
      'repository.fluxcd.io/x: deep.er.name\ntag.fluxcd.io/x: deep.er.version',
      ['x a:v1 @spec.values.deep.er.version'],
    ],
    [
      'registry and repository',
      'registry.fluxcd.io/x: deep.host\nrepository.fluxcd.io/x: deep.er.tagged',
      ['x quay.io/a:1 @spec.values.deep.er.tagged'],
    ],
    [
      'all three',
      'registry.fluxcd.io/x: deep.host\nrepository.fluxcd.io/x: deep.er.name\ntag.fluxcd.io/x: deep.er.version',
      ['x quay.io/a:v1 @spec.values.deep.er.version'],
    ],
    ['nothing where the tag is missing', 'repository.fluxcd.io/x: deep.er.name\ntag.fluxcd.io/x: deep.nothing', []],
    ['nothing where the tag is a number', 'repository.fluxcd.io/x: deep.er.name\ntag.fluxcd.io/x: deep.er.number', []],
    ['nothing without a repository', 'tag.fluxcd.io/x: deep.er.version', []],
    ['nothing for a path through a prototype', 'repository.fluxcd.io/x: __proto__.constructor.name', []],
  ]
  const deep = 'deep: {host: quay.io, er: {full: "quay.io/a:1", name: a, tagged: "a:1", version: v1, number: 1}}'
  it.each(mapped)('mapped by annotations: %s', (_, annotations, expected) => {
    expect(located(release(deep, annotations))).toEqual(expected)
  })

  it('an alias wins over an automatic name', () => {
    const text = release('app: {image: "a:1"}\nother: "b:2"', 'repository.fluxcd.io/app: other')
    expect(located(text)).toEqual(['app b:2 @spec.values.other'])
  })
})
