import { describe, expect, it } from 'vitest'
import { createTurns } from './turns.ts'

/** `kind/namespace`; no namespace for an object of the whole cluster. */
function itemsOf(texts: readonly string[]) {
  return texts.map((text) => {
    const [kind = '', namespace] = text.split('/')
    return { text, ref: { kind, ...(namespace ? { namespace } : {}) } }
  })
}

/** What goes at once, then what goes when all of that is done, and so on. */
function waves(texts: readonly string[]): string[][] {
  const turns = createTurns(itemsOf(texts))
  const found: string[][] = []
  for (;;) {
    const wave = []
    for (let item = turns.next(); item; item = turns.next()) wave.push(item)
    if (wave.length === 0) return found
    found.push(wave.map(({ text }) => text))
    for (const item of wave) turns.done(item)
  }
}

describe('the turns of an apply', () => {
  it.each([
    ['nothing', [], []],
    [
      'one namespace goes by rank, each rank in the given order',
      ['Ingress/a', 'Deployment/a', 'Service/a', 'ServiceAccount/a', 'Foo/a'],
      [['Service/a', 'ServiceAccount/a'], ['Ingress/a'], ['Deployment/a'], ['Foo/a']],
    ],
    [
      'namespaces and definitions come before all that is in a namespace',
      ['Deployment/a', 'Foo/b', 'CustomResourceDefinition', 'Namespace'],
      [
        ['CustomResourceDefinition', 'Namespace'],
        ['Deployment/a', 'Foo/b'],
      ],
    ],
    [
      'namespaces do not wait for each other',
      ['Service/a', 'Deployment/a', 'Deployment/b'],
      [['Service/a', 'Deployment/b'], ['Deployment/a']],
    ],
    [
      'rights of the whole cluster wait for no namespace, and the namespaces for them',
      ['Service/a', 'ClusterRoleBinding', 'ClusterRole', 'Deployment/a'],
      [['ClusterRole', 'Service/a'], ['ClusterRoleBinding'], ['Deployment/a']],
    ],
    [
      'a webhook waits for everything that has a rank, wherever it is',
      ['ValidatingWebhookConfiguration', 'Deployment/a', 'Service/b', 'Foo/b'],
      [
        ['Deployment/a', 'Service/b'],
        ['ValidatingWebhookConfiguration', 'Foo/b'],
      ],
    ],
    [
      'what is of the last rank does not wait for its like',
      ['ClusterIssuer', 'Certificate/a', 'ClusterIssuer'],
      [['ClusterIssuer', 'ClusterIssuer', 'Certificate/a']],
    ],
  ])('%s', (_, texts, expected) => {
    expect(waves(texts)).toEqual(expected)
  })

  it('finish what was begun: the next rank of the first namespace goes before the first of the next', () => {
    const [service, deployment, other] = itemsOf(['Service/a', 'Deployment/a', 'Service/b'])
    const turns = createTurns([service, deployment, other].filter((item) => item !== undefined))
    expect(turns.next()).toBe(service)
    if (service) turns.done(service)
    expect(turns.next()).toBe(deployment)
    expect(turns.next()).toBe(other)
    expect(turns.next()).toBeUndefined()
  })

  it('hand out each of ten thousand objects once, in any order of finishing', () => {
    const kinds = ['Namespace', 'Service', 'ClusterRole', 'ConfigMap', 'ClusterRoleBinding', 'Deployment', 'Foo']
    const isWide = (kind: string) => kind === 'Namespace' || kind.startsWith('Cluster')
    const items = itemsOf(
      Array.from({ length: 10_000 }, (_, n) => {
        const kind = kinds[n % kinds.length] ?? ''
        return isWide(kind) ? kind : `${kind}/space-${n % 997}`
      }),
    )
    const turns = createTurns(items)
    const seen = new Set<(typeof items)[number]>()
    const going: typeof items = []
    for (;;) {
      for (let item = turns.next(); item && going.length < 40; item = turns.next()) {
        expect(seen.has(item)).toBe(false)
        seen.add(item)
        going.push(item)
        if (going.length === 40) break
      }
      const ended = going.splice((seen.size * 7) % Math.max(1, going.length), 1)[0]
      if (!ended) break
      turns.done(ended)
    }
    expect(seen.size).toBe(items.length)
  })
})
