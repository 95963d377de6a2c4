import { describe, expect, it } from 'vitest'
import type { KubeObject, ManagedFields } from '../manifest/object.ts'
import { fieldsDropped, lastAppliedAnnotation, takeOver } from './take-over.ts'

const web = 'k:{"name":"web"}'
const port = 'k:{"containerPort":80,"protocol":"TCP"}'
const applied = {
  metadata: { labels: { app: 'a' } },
  spec: { replicas: null, template: { containers: [{ name: 'web', image: 'x', ports: [{ containerPort: 80 }] }] } },
}

function entry(manager: string, fieldsV1: Record<string, unknown>, more: Partial<ManagedFields> = {}): ManagedFields {
  return { manager, operation: 'Update', apiVersion: 'apps/v1', time: '2020-01-01T00:00:00Z', fieldsV1, ...more }
}

function live(managedFields: ManagedFields[], last: object | string | null = applied): KubeObject {
  const annotations =
    last === null ? {} : { [lastAppliedAnnotation]: typeof last === 'string' ? last : JSON.stringify(last) }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a', annotations, managedFields } }
}

const whole = {
  'f:metadata': {
    'f:annotations': { [`f:${lastAppliedAnnotation}`]: {} },
    'f:labels': { 'f:app': {}, 'f:manual': {} },
  },
  'f:spec': {
    'f:replicas': {},
    'f:template': {
      'f:containers': {
        [web]: { '.': {}, 'f:name': {}, 'f:image': {}, 'f:pull': {}, 'f:ports': { [port]: { '.': {} } } },
      },
    },
  },
}
const taken = {
  'f:metadata': { 'f:labels': { 'f:app': {} } },
  'f:spec': {
    'f:template': {
      'f:containers': { [web]: { '.': {}, 'f:name': {}, 'f:image': {}, 'f:ports': { [port]: {} } } },
    },
  },
}
const leftOfMetadata = {
  'f:metadata': { 'f:annotations': { [`f:${lastAppliedAnnotation}`]: {} }, 'f:labels': { 'f:manual': {} } },
}
const ours = (fieldsV1: Record<string, unknown>) => ({ ...entry('capstan', fieldsV1), operation: 'Apply' as const })

describe('a take-over', () => {
  it.each<[fact: string, before: ManagedFields[], after: ManagedFields[]]>([
    [
      'takes what kubectl apply set; its defaults go to nobody, its metadata stay',
      [entry('kubectl-client-side-apply', whole)],
      [ours(taken), entry('kubectl-client-side-apply', leftOfMetadata)],
    ],
    [
      'leaves what an old kubectl scaled, and no defaults in an item',
      [entry('kubectl', whole)],
      [ours(taken), entry('kubectl', { ...leftOfMetadata, 'f:spec': { 'f:replicas': {} } })],
    ],
    [
      'is the same for what was there before managers were noted',
      [entry('before-first-apply', { 'f:spec': { 'f:replicas': {} }, 'f:metadata': { 'f:labels': { 'f:app': {} } } })],
      [
        ours({ 'f:metadata': { 'f:labels': { 'f:app': {} } } }),
        entry('before-first-apply', { 'f:spec': { 'f:replicas': {} } }),
      ],
    ],
    [
      'joins what is ours already and lets other managers be',
      [
        entry('kubelet', { 'f:status': {} }, { subresource: 'status' }),
        ours({ 'f:spec': { 'f:paused': {} } }),
        entry('kubectl-client-side-apply', { 'f:metadata': { 'f:labels': { 'f:app': {} } } }),
      ],
      [
        ours({ 'f:spec': { 'f:paused': {} }, 'f:metadata': { 'f:labels': { 'f:app': {} } } }),
        entry('kubelet', { 'f:status': {} }, { subresource: 'status' }),
      ],
    ],
    [
      'leaves fields of another version of the API',
      [
        entry('kubectl', { 'f:metadata': { 'f:labels': { 'f:app': {} } } }, { apiVersion: 'extensions/v1beta1' }),
        entry('kubectl-client-side-apply', taken, { time: '2021-01-01T00:00:00Z' }),
      ],
      [
        { ...ours(taken), time: '2021-01-01T00:00:00Z' },
        entry('kubectl', { 'f:metadata': { 'f:labels': { 'f:app': {} } } }, { apiVersion: 'extensions/v1beta1' }),
      ],
    ],
  ])('%s', (_fact, before, after) => {
    const done = takeOver(live(before))
    expect(done?.managedFields).toEqual(after)
    expect(takeOver(live(done?.managedFields ?? []))).toBeUndefined()
  })

  it('names the fields', () => {
    expect(takeOver(live([entry('kubectl', whole)]))?.fields).toEqual([
      '.metadata.labels.app',
      '.spec.template.containers[name="web"].name',
      '.spec.template.containers[name="web"].image',
      '.spec.template.containers[name="web"].ports[containerPort=80,protocol="TCP"]',
    ])
  })

  it.each<[fact: string, object: KubeObject]>([
    ['nobody’s fields', live([])],
    ['a subresource', live([entry('kubectl', taken, { subresource: 'scale' })])],
    ['what was applied by the server', live([entry('kubectl', taken, { operation: 'Apply' })])],
    ['other managers', live([entry('kubectl-edit', taken), entry('helm', taken)])],
    ['an old kubectl without its annotation', live([entry('kubectl', taken)], null)],
    ['an annotation that cannot be read', live([entry('kubectl-client-side-apply', taken)], '{')],
  ])('is nothing for %s', (_fact, object) => {
    expect(takeOver(object)).toBeUndefined()
  })

  it('takes all that kubectl apply owns where its annotation is gone', () => {
    const done = takeOver(live([entry('kubectl-client-side-apply', taken)], null))
    expect(done?.managedFields).toEqual([ours(taken)])
  })
})

describe('fields that a take-over and an apply drop', () => {
  const spec = {
    replicas: 1,
    paused: true,
    template: {
      containers: [
        { name: 'web', image: 'x' },
        { name: 'old', image: 'y' },
      ],
    },
  }
  const containers = { 'k:{"name":"web"}': { '.': {}, 'f:image': {} }, 'k:{"name":"old"}': { '.': {}, 'f:image': {} } }
  const git = { replicas: 1, template: { containers: [{ name: 'web', image: 'x' }] } }

  it.each<[fact: string, entries: ManagedFields[], gone: Record<string, unknown>]>([
    [
      'are ours and not in git',
      [ours({ 'f:spec': { 'f:paused': {}, 'f:template': { 'f:containers': containers } } })],
      { paused: undefined, template: git.template },
    ],
    [
      'are not those that somebody else owns too',
      [ours({ 'f:spec': { 'f:paused': {} } }), entry('x', { 'f:spec': { 'f:paused': {} } })],
      {},
    ],
    ['are none where nothing is ours', [entry('x', { 'f:spec': { 'f:paused': {} } })], {}],
  ])('%s', (_fact, managedFields, gone) => {
    const object = { ...live(managedFields, null), spec }
    const desired: KubeObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: git }
    expect(fieldsDropped(object, desired)).toEqual({ ...object, spec: { ...spec, ...gone } })
  })
})
