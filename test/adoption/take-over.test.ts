import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { type KubeObject, refOf } from '../../src/domain/manifest/object.ts'
import { valueAt } from '../../src/domain/plan/field-path.ts'
import { parseFieldText } from '../../src/domain/plan/field-text.ts'
import { fieldsDropped } from '../../src/domain/plan/take-over.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { adopt, kubectl, kubectlApply, live, sync } from './world.ts'

let cluster: Cluster
let namespace: string

beforeAll(async () => {
  cluster = realCluster()
  namespace = await makeNamespace(cluster)
})
afterAll(async () => {
  await removeNamespace(cluster, namespace)
  await cluster.close()
})

type Body = Record<string, unknown>

function thing(apiVersion: string, kind: string, name: string, body: Body): KubeObject {
  return { apiVersion, kind, ...body, metadata: { name, namespace, ...(body.metadata as Body) } }
}

const web = {
  name: 'web',
  image: 'example.com/web:1',
  env: [
    { name: 'A', value: '1' },
    { name: 'B', value: '2' },
  ],
  ports: [{ containerPort: 80 }, { containerPort: 8080, name: 'admin' }],
  livenessProbe: { httpGet: { path: '/', port: 80 } },
}
const sidecar = { name: 'sidecar', image: 'example.com/sidecar:1' }

function deployment(name: string, containers: readonly Body[], spec: Body = {}): KubeObject {
  return thing('apps/v1', 'Deployment', name, {
    metadata: { labels: { app: name } },
    spec: {
      ...spec,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers } },
    },
  })
}

function field(object: KubeObject, text: string): unknown {
  return valueAt(object, parseFieldText(text, object) ?? [])
}

const containers = '.spec.template.spec.containers'

type Row = [fact: string, before: KubeObject, after: KubeObject, gone: string[], stays: string[]]

function rows(): Row[] {
  const { livenessProbe: _probe, ...unprobed } = web
  return [
    [
      'a container, with the defaults in it',
      deployment('container', [web, sidecar]),
      deployment('container', [web]),
      [`${containers}[name="sidecar"]`],
      [`${containers}[name="web"].image`, `${containers}[name="web"].terminationMessagePath`],
    ],
    [
      'ports without a protocol, and an env entry',
      deployment('ports', [web]),
      deployment('ports', [{ ...web, env: web.env.slice(0, 1), ports: web.ports.slice(0, 1) }]),
      [`${containers}[name="web"].ports[containerPort=8080,protocol="TCP"]`, `${containers}[name="web"].env[name="B"]`],
      [`${containers}[name="web"].ports[containerPort=80,protocol="TCP"]`, `${containers}[name="web"].env[name="A"]`],
    ],
    [
      'a map with defaults below it',
      deployment('probe', [web], { strategy: { rollingUpdate: { maxSurge: 3 } } }),
      deployment('probe', [unprobed]),
      [`${containers}[name="web"].livenessProbe`],
      ['.spec.strategy.rollingUpdate.maxSurge'],
    ],
    [
      'a port of a Service, whose cluster IP and node port stay',
      thing('v1', 'Service', 'service', {
        spec: {
          type: 'NodePort',
          selector: { app: 'a', tier: 'b' },
          ports: [
            { name: 'http', port: 80 },
            { name: 'dns', port: 53, protocol: 'UDP' },
            { name: 'dns-tcp', port: 53 },
          ],
        },
      }),
      thing('v1', 'Service', 'service', {
        spec: {
          type: 'NodePort',
          selector: { app: 'a' },
          ports: [
            { name: 'http', port: 80 },
            { name: 'dns', port: 53, protocol: 'UDP' },
          ],
        },
      }),
      ['.spec.selector.tier', '.spec.ports[port=53,protocol="TCP"]'],
      ['.spec.clusterIP', '.spec.ports[port=80,protocol="TCP"].nodePort', '.spec.ports[port=53,protocol="UDP"]'],
    ],
    [
      'a key of a ConfigMap, a label and an annotation',
      thing('v1', 'ConfigMap', 'config', {
        metadata: { labels: { a: '1', 'example.com/b': '2' }, annotations: { 'example.com/c': '3' } },
        data: { 'a.txt': '1', 'b.txt': '2' },
      }),
      thing('v1', 'ConfigMap', 'config', { metadata: { labels: { a: '1' } }, data: { 'a.txt': '1' } }),
      ['.data.b.txt', '.metadata.labels.example.com/b', '.metadata.annotations.example.com/c'],
      ['.data.a.txt', '.metadata.labels.a'],
    ],
    [
      'a key of a Secret',
      thing('v1', 'Secret', 'secret', { type: 'Opaque', data: { a: 'eA==', b: 'eQ==' } }),
      thing('v1', 'Secret', 'secret', { type: 'Opaque', data: { a: 'eA==' } }),
      ['.data.b'],
      ['.data.a', '.type'],
    ],
    [
      'a secret of a ServiceAccount',
      thing('v1', 'ServiceAccount', 'account', {
        imagePullSecrets: [{ name: 'pull-a' }, { name: 'pull-b' }],
        secrets: [{ name: 'token-a' }, { name: 'token-b' }],
      }),
      thing('v1', 'ServiceAccount', 'account', {
        imagePullSecrets: [{ name: 'pull-a' }],
        secrets: [{ name: 'token-a' }],
      }),
      ['.secrets[name="token-b"]', '.imagePullSecrets[name="pull-b"]'],
      ['.secrets[name="token-a"]', '.imagePullSecrets[name="pull-a"]'],
    ],
  ]
}

const managers = ['kubectl-client-side-apply', 'kubectl']

describe.each(managers)('what %s applied and git dropped since', (manager) => {
  it.each(rows())('goes with the first sync: %s', async (...row) => {
    const [fact, first, next, gone, stays] = row
    // the namespace is known by now
    const placed = (object: KubeObject): KubeObject => ({
      ...object,
      metadata: {
        ...object.metadata,
        namespace,
        name: `${object.metadata.name}-${manager === 'kubectl' ? 'old' : 'new'}`,
      },
    })
    const [before, after] = [placed(first), placed(next)]
    await kubectlApply([before], `--field-manager=${manager}`)
    const found = await live(cluster, before)
    for (const text of [...gone, ...stays]) expect(field(found, text), `${fact}: ${text} before`).toBeDefined()
    const tried = await cluster.apply(after, { force: true, dryRun: true })
    const planned = fieldsDropped(tried.object, after)
    await adopt(cluster, before)
    const { object, overruled } = await sync(cluster, after)
    expect(overruled).toEqual([])
    expect(object.metadata.uid).toBe(found.metadata.uid)
    for (const text of gone) {
      expect(field(object, text), `${fact}: ${text} after`).toBeUndefined()
      expect(field(planned, text), `${fact}: ${text} in the plan`).toBeUndefined()
    }
    for (const text of stays) expect(field(object, text), `${fact}: ${text} after`).toBeDefined()
  })

  it('changes nothing where git is as it was', async () => {
    const object = deployment(`same-${manager}`, [web, sidecar], { replicas: 2 })
    await kubectlApply([object], `--field-manager=${manager}`)
    await adopt(cluster, object)
    const found = await live(cluster, object)
    const { object: applied } = await sync(cluster, object)
    expect(applied.spec).toEqual(found.spec)
    expect(applied.metadata.generation).toBe(found.metadata.generation)
    expect(fieldsDropped(found, object)).toEqual(found)
  })
})

describe('what was done by hand', () => {
  it('stays: a label, an annotation, an image that git does not name differently', async () => {
    const object = deployment('by-hand', [web], { replicas: 1 })
    await kubectlApply([object])
    await kubectl(['-n', namespace, 'label', 'deployment/by-hand', 'manual=yes'])
    await kubectl(['-n', namespace, 'label', '--field-manager=kubectl', 'deployment/by-hand', 'older=yes'])
    await kubectl(['-n', namespace, 'annotate', 'deployment/by-hand', 'example.com/why=because'])
    await kubectl(['-n', namespace, 'set', 'env', 'deployment/by-hand', 'MANUAL=yes'])
    await adopt(cluster, object)
    const { object: applied } = await sync(cluster, object)
    expect(applied.metadata.labels).toEqual({ app: 'by-hand', manual: 'yes', older: 'yes' })
    expect(applied.metadata.annotations).toMatchObject({ 'example.com/why': 'because' })
    expect(field(applied, `${containers}[name="web"].env[name="MANUAL"].value`)).toBe('yes')
  })

  it('is overruled where git says otherwise, and named', async () => {
    const object = deployment('overruled', [web], { replicas: 1 })
    await kubectlApply([object])
    await kubectl(['-n', namespace, 'scale', 'deployment/overruled', '--replicas=4'])
    await kubectl(['-n', namespace, 'set', 'image', 'deployment/overruled', 'web=example.com/web:2'])
    await adopt(cluster, object)
    const { object: applied, overruled, conflicts } = await sync(cluster, object)
    expect(overruled.toSorted()).toEqual([`kubectl-set: ${containers}[name="web"].image`, 'kubectl: .spec.replicas'])
    expect(conflicts.flatMap(({ fields }) => fields.map((path) => valueAt(applied, path)))).toEqual(
      expect.arrayContaining([1, 'example.com/web:1']),
    )
  })

  it('keeps replicas that were scaled where git never named them', async () => {
    const object = deployment('scaled', [web])
    await kubectlApply([object])
    await kubectl(['-n', namespace, 'scale', 'deployment/scaled', '--replicas=4'])
    await adopt(cluster, object)
    const { object: applied } = await sync(cluster, object)
    expect(field(applied, '.spec.replicas')).toBe(4)
  })
})

it('is made again after fluxd was at work once more', async () => {
  const first = thing('v1', 'ConfigMap', 'there-and-back', { data: { a: '1' } })
  const second = thing('v1', 'ConfigMap', 'there-and-back', { data: { a: '2', b: '2' } })
  await kubectlApply([first])
  await adopt(cluster, first)
  await sync(cluster, first)
  await kubectlApply([second])
  await adopt(cluster, second)
  const { object, overruled } = await sync(cluster, first)
  expect([object.data, overruled]).toEqual([{ a: '1' }, []])
})

it('mends a list with the same key twice, which kubectl let through and server-side apply refuses', async () => {
  const twice = deployment('twice', [{ ...web, env: [...web.env, { name: 'A', value: '3' }] }])
  const once = deployment('twice', [web])
  await kubectlApply([twice])
  await expect(sync(cluster, twice)).rejects.toMatchObject({ reason: 'ApplyRefused' })
  await adopt(cluster, twice)
  const { object } = await sync(cluster, once)
  expect(field(object, `${containers}[name="web"].env`)).toEqual(web.env)
})

describe('objects whose owners are not known', () => {
  const before = () => thing('v1', 'ConfigMap', 'unowned', { data: { a: '1', b: '2' } })
  const after = () => thing('v1', 'ConfigMap', 'unowned', { data: { a: '1' } })

  it.each([
    ['wiped', async () => {}],
    [
      'written since, so that the server says before-first-apply',
      async () => {
        const label = { ...before(), data: undefined, metadata: { name: 'unowned', namespace, labels: { x: 'y' } } }
        await cluster.apply(label, { force: true, fieldManager: 'somebody' })
      },
    ],
  ])('%s: what git dropped goes', async (_fact, then) => {
    await kubectlApply([before()])
    await kubectl(['-n', namespace, 'label', 'configmap/unowned', 'manual=yes', '--overwrite'])
    const wiped = await live(cluster, before())
    await kubectl([
      '-n',
      namespace,
      'patch',
      'configmap/unowned',
      '--type=json',
      '-p=[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]',
    ])
    expect((await live(cluster, before())).metadata.managedFields ?? []).toEqual([])
    await then()
    await adopt(cluster, before())
    const { object, overruled } = await sync(cluster, after())
    expect(object).toMatchObject({ data: { a: '1' }, metadata: { uid: wiped.metadata.uid, labels: { manual: 'yes' } } })
    expect(object.data).toEqual({ a: '1' })
    expect(overruled).toEqual([])
    await cluster.delete(refOf(object), {})
  })
})

it('takes over a definition and an object of it, whose defaulted list keys git leaves out', async () => {
  const group = `g${namespace.slice(-8)}.example.com`
  const definition: KubeObject = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Thing', plural: 'things', singular: 'thing', listKind: 'ThingList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  properties: {
                    rules: {
                      type: 'array',
                      'x-kubernetes-list-type': 'map',
                      'x-kubernetes-list-map-keys': ['name', 'side'],
                      items: {
                        type: 'object',
                        required: ['name'],
                        properties: {
                          name: { type: 'string' },
                          side: { type: 'string', default: 'left' },
                          weight: { type: 'integer' },
                        },
                      },
                    },
                    tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
                    mode: {
                      type: 'object',
                      properties: { a: { type: 'string' }, b: { type: 'string', default: 'x' } },
                    },
                  },
                },
              },
            },
          },
        },
      ],
    },
  }
  const first = thing(`${group}/v1`, 'Thing', 'one', {
    spec: { rules: [{ name: 'r', weight: 1 }, { name: 's' }], tags: ['a', 'b'], mode: { a: '1' } },
  })
  const next = thing(`${group}/v1`, 'Thing', 'one', { spec: { rules: [{ name: 'r', weight: 1 }], tags: ['a'] } })
  try {
    await kubectlApply([definition])
    await kubectl(['wait', '--for=condition=Established', `crd/things.${group}`, '--timeout=120s'])
    await kubectlApply([first])
    await adopt(cluster, definition)
    await sync(cluster, definition)
    await adopt(cluster, first)
    const found = await live(cluster, first)
    const { object } = await sync(cluster, next)
    expect(object.spec).toEqual({ rules: [{ name: 'r', side: 'left', weight: 1 }], tags: ['a'] })
    expect(fieldsDropped(found, next).spec).toEqual(object.spec)
    expect(object.metadata.uid).toBe(found.metadata.uid)
  } finally {
    await cluster.delete(refOf(definition), {})
  }
})
