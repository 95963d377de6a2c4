import { describe, expect, it } from 'vitest'
import { rankOf, stagesOf } from './order.ts'

describe('the apply order', () => {
  it.each([
    ['Namespace', 0],
    ['CustomResourceDefinition', 0],
    ['Service', 1],
    ['ConfigMap', 2],
    ['Deployment', 3],
    ['HelmRelease', 4],
    ['HorizontalPodAutoscaler', 4],
  ])('%s is of rank %i', (kind, rank) => {
    expect(rankOf(kind)).toBe(rank)
  })

  it('has stages, each in the given order, none of them empty', () => {
    const items = ['Foo', 'Deployment', 'Namespace', 'Bar', 'CustomResourceDefinition'].map((kind) => ({
      object: { kind },
    }))
    expect(stagesOf(items).map((stage) => stage.map(({ object }) => object.kind))).toEqual([
      ['Namespace', 'CustomResourceDefinition'],
      ['Deployment'],
      ['Foo', 'Bar'],
    ])
    expect(stagesOf([])).toEqual([])
  })
})
