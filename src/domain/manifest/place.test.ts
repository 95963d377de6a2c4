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
