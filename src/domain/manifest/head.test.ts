import { describe, expect, it } from 'vitest'
import { headObject } from './head.ts'

describe('the head of an object', () => {
  it.each([
    [
      'keeps what names it and drops its body',
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'a', namespace: 'n', labels: { x: 'y' } },
        data: { k: 'v' },
      },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'n' } },
    ],
    [
      'keeps the annotations that are ours or our ancestors’',
      {
        apiVersion: 'v1',
        kind: 'A',
        metadata: {
          name: 'a',
          annotations: {
            'fluxcd.io/ignore': 'true',
            'filter.fluxcd.io/web': 'glob:*',
            'flux.weave.works/automated': 'true',
            'capstan.dev/prune': 'disabled',
            'example.com/long': 'x',
          },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'A',
        metadata: {
          name: 'a',
          annotations: {
            'fluxcd.io/ignore': 'true',
            'filter.fluxcd.io/web': 'glob:*',
            'flux.weave.works/automated': 'true',
            'capstan.dev/prune': 'disabled',
          },
        },
      },
    ],
    [
      'is the whole of a definition',
      {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'a' },
        spec: { x: 1 },
      },
      {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'a' },
        spec: { x: 1 },
      },
    ],
  ])('%s', (_fact, object, expected) => {
    expect(headObject(object)).toEqual(expected)
  })
})
