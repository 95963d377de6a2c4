import { describe, expect, it } from 'vitest'
import type { ManifestObject } from './parse.ts'
import { type ApiFacts, place } from './place.ts'

const kinds: Record<string, { namespaced: boolean }> = {
  'v1 ConfigMap': { namespaced: true },
  'v1 Namespace': { namespaced: false },
  'apps/v1 Deployment': { namespaced: true },
  'extensions/v1beta1 Deployment': { namespaced: true },
  'rbac.authorization.k8s.io/v1 ClusterRole': { namespaced: false },
  'apiextensions.k8s.io/v1 CustomResourceDefinition': { namespaced: false },
}
const facts: ApiFacts = (apiVersion, kind) => kinds[`${apiVersion} ${kind}`]

function item(id: string, file = 'a.yaml', line = 1, rest: object = {}): ManifestObject {
  const [apiVersion = '', kind = '', namespace = '', name = ''] = id.split(' ')
  const metadata = { name, ...(namespace === '-' ? {} : { namespace }) }
  return { object: { apiVersion, kind, metadata, ...rest }, file, line }
}

function placed(items: ManifestObject[], allowedNamespaces: string[] = []) {
  const result = place(items, { facts, defaultNamespace: 'default', allowedNamespaces })
  const ids = result.objects.map(
    ({ object: { kind, metadata } }) => `${metadata.namespace ?? '-'} ${kind}/${metadata.name}`,
  )
  return { ...result, ids }
}

describe('where an object belongs', () => {
  it.each([
    ['in the namespace that it names', 'v1 ConfigMap x a', 'x ConfigMap/a'],
    ['in the default namespace', 'v1 ConfigMap - a', 'default ConfigMap/a'],
    ['in none, whatever it says', 'rbac.authorization.k8s.io/v1 ClusterRole x a', '- ClusterRole/a'],
  ])('is %s', (_, id, expected) => {
    expect(placed([item(id)]).ids).toEqual([expected])
  })

  it('is told by a definition in the same set, of either shape', () => {
    const spec = {
      group: 'x.io',
      scope: 'Namespaced',
      names: { kind: 'Foo' },
      versions: [{ name: 'v1' }, { name: 'v2' }],
    }
    const old = { group: 'x.io', scope: 'Cluster', names: { kind: 'Bar' }, version: 'v1' }
    const crd = 'apiextensions.k8s.io/v1 CustomResourceDefinition -'
    const items = [
      item(`${crd} foos.x.io`, 'a.yaml', 1, { spec }),
      item(`${crd} bars.x.io`, 'a.yaml', 9, { spec: old }),
      item('x.io/v2 Foo - a'),
      item('x.io/v1 Bar x a'),
    ]
    expect(placed(items).ids.slice(2)).toEqual(['default Foo/a', '- Bar/a'])
  })

  it('keeps what else the item holds and does not change it', () => {
    const given = { ...item('v1 ConfigMap - a'), blob: 'b' }
    const { objects } = place([given], { facts, defaultNamespace: 'n', allowedNamespaces: [] })
    expect(objects[0]).toMatchObject({ blob: 'b', object: { metadata: { namespace: 'n' } } })
    expect(given.object.metadata.namespace).toBeUndefined()
  })
})

describe('an unknown kind', () => {
  it('is a problem, and neither of its possible objects may be taken for gone', () => {
    const { ids, problems, withheld } = placed([item('x.io/v1 Foo - a', 'f.yaml', 3), item('v1 ConfigMap x a')])
    expect(ids).toEqual(['x ConfigMap/a'])
    expect(problems).toEqual([
      {
        reason: 'UnknownKind',
        file: 'f.yaml',
        line: 3,
        message: 'the cluster does not know the kind Foo of x.io/v1',
        id: '<cluster>:foo/a',
      },
    ])
    expect([...withheld]).toEqual(['x.io/Foo//a', 'x.io/Foo/default/a'])
  })
})

describe('two definitions of one object', () => {
  it('are both left out, and both places are named', () => {
    const { ids, problems, withheld } = placed([
      item('v1 ConfigMap x a', 'a.yaml', 1),
      item('v1 ConfigMap x a', 'b.yaml', 7),
    ])
    expect(ids).toEqual([])
    expect(problems).toEqual([
      {
        reason: 'DuplicateObject',
        file: 'b.yaml',
        line: 7,
        message: "duplicate definition of 'x:configmap/a' (in a.yaml:1 and b.yaml:7)",
        id: 'x:configmap/a',
      },
    ])
    expect([...withheld]).toEqual(['/ConfigMap/x/a'])
  })

  it('are found also when only the default namespace makes them equal', () => {
    expect(placed([item('v1 ConfigMap - a'), item('v1 ConfigMap default a')]).problems).toHaveLength(1)
  })

  it('are two objects when the group differs', () => {
    expect(placed([item('apps/v1 Deployment x a'), item('extensions/v1beta1 Deployment x a')]).problems).toEqual([])
  })
})

describe('a target namespace', () => {
  const options = { facts, defaultNamespace: 'default', targetNamespace: 'team', allowedNamespaces: [] }

  it('takes every object whose kind has namespaces, whatever it says, and no other', () => {
    const items = [item('v1 ConfigMap x a'), item('v1 ConfigMap - b'), item('v1 Namespace - x')]
    const { objects } = place(items, options)
    expect(objects.map(({ object: { kind, metadata } }) => `${metadata.namespace ?? '-'} ${kind}`)).toEqual([
      'team ConfigMap',
      'team ConfigMap',
      '- Namespace',
    ])
  })

  it('is where duplicates are found', () => {
    const { objects, problems } = place([item('v1 ConfigMap x a'), item('v1 ConfigMap y a', 'b.yaml')], options)
    expect(objects).toEqual([])
    expect(problems).toMatchObject([{ reason: 'DuplicateObject', file: 'b.yaml', id: 'team:configmap/a' }])
  })

  it('is what the allowed namespaces are asked about, and where unknown kinds would go', () => {
    expect(place([item('v1 ConfigMap x a')], { ...options, allowedNamespaces: ['x'] }).withheld).toContain(
      '/ConfigMap/team/a',
    )
    expect([...place([item('x.io/v1 Foo x a')], options).withheld]).toEqual(['x.io/Foo//a', 'x.io/Foo/team/a'])
  })
})

describe('an excluded kind', () => {
  const options = { facts, defaultNamespace: 'default', allowedNamespaces: [] }

  it('is withheld with a warning, known to the cluster or not, and no problem', () => {
    const items = [
      item('v1 ConfigMap x a', 'a.yaml', 3),
      item('custom.metrics.k8s.io/v1 Foo x b'),
      item('v1 Namespace - y'),
    ]
    const { objects, problems, warnings, withheld } = place(items, {
      ...options,
      excludeResources: ['v1/ConfigMap', '*metrics.k8s.io/*'],
    })
    expect(objects).toHaveLength(1)
    expect(problems).toEqual([])
    expect(warnings).toMatchObject([
      { reason: 'KindExcluded', file: 'a.yaml', line: 3, id: 'x:configmap/a' },
      { reason: 'KindExcluded', id: 'x:foo/b' },
    ])
    expect(withheld).toContain('/ConfigMap/x/a')
    expect(withheld).toContain('custom.metrics.k8s.io/Foo/x/b')
  })

  it('may be defined twice', () => {
    const twice = [item('v1 ConfigMap x a'), item('v1 ConfigMap x a', 'b.yaml')]
    expect(place(twice, { ...options, excludeResources: ['v1/ConfigMap'] }).problems).toEqual([])
  })
})

describe('more objects than are read', () => {
  it('place none, withhold all and are a problem', () => {
    const items = [item('v1 ConfigMap - a'), item('v1 Namespace - b'), item('v1 ConfigMap x c')]
    const options = { facts, defaultNamespace: 'default', allowedNamespaces: [] }
    const { objects, problems, withheld } = place(items, { ...options, maxObjects: 2 })
    expect(objects).toEqual([])
    expect(problems).toMatchObject([
      { reason: 'SourceTooLarge', message: expect.stringContaining('3 objects; at most 2') },
    ])
    expect([...withheld]).toEqual(expect.arrayContaining(['/ConfigMap/default/a', '/Namespace//b', '/ConfigMap/x/c']))
    expect(place(items, { ...options, maxObjects: 3 }).objects).toHaveLength(3)
  })
})

describe('the allowed namespaces', () => {
  it('let through what is in them, cluster-scoped objects, and Namespaces that they name', () => {
    const items = [
      item('v1 ConfigMap x a'),
      item('v1 ConfigMap y a'),
      item('v1 Namespace - x'),
      item('v1 Namespace - y'),
      item('rbac.authorization.k8s.io/v1 ClusterRole - a'),
    ]
    const { ids, warnings, problems, withheld } = placed(items, ['x'])
    expect(ids).toEqual(['x ConfigMap/a', '- Namespace/x', '- ClusterRole/a'])
    expect(warnings.map(({ reason, id }) => `${reason} ${id}`)).toEqual([
      'NamespaceNotAllowed y:configmap/a',
      'NamespaceNotAllowed <cluster>:namespace/y',
    ])
    expect(problems).toEqual([])
    expect([...withheld]).toEqual(['/ConfigMap/y/a', '/Namespace//y'])
  })
})

it('leaves out what is in no namespace where a source may bring no such objects', () => {
  const { objects, warnings, withheld } = place([item('v1 Namespace - a'), item('v1 ConfigMap x a')], {
    facts,
    defaultNamespace: 'default',
    allowedNamespaces: [],
    namespacedOnly: true,
  })
  expect(objects.map(({ object }) => object.kind)).toEqual(['ConfigMap'])
  expect(warnings).toMatchObject([{ reason: 'NamespaceNotAllowed', message: expect.stringContaining('--tenants') }])
  expect([...withheld]).toEqual(['/Namespace//a'])
})
