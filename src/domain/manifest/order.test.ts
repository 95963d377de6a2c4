import { describe, expect, it } from 'vitest'
import { lastRank, rankOf } from './order.ts'

describe('the apply order', () => {
  it.each([
    ['Namespace', 0],
    ['CustomResourceDefinition', 0],
    ['Service', 1],
    ['ConfigMap', 2],
    ['Deployment', 3],
    ['HelmRelease', lastRank],
    ['HorizontalPodAutoscaler', lastRank],
  ])('%s is of rank %i', (kind, rank) => {
    expect(rankOf(kind)).toBe(rank)
  })
})
