import { expect, it } from 'vitest'
import { gcMarkLabel } from '../domain/manifest/annotations.ts'
import { gcMark } from '../domain/manifest/gc-mark.ts'
import { type KubeObject, refOf } from '../domain/manifest/object.ts'
import { fluxdSource, type SourceSpec } from '../domain/source/spec.ts'
import { syncSetOf } from '../domain/source/sync-set.ts'
import { unhealthyOfSource } from './workloads.ts'

const many = 50
const sourceOf = (n: number) =>
  ({
    ...fluxdSource,
    origin: 'resource',
    namespace: 'a',
    name: `of-${n}`,
    url: '',
    branch: 'main',
    paths: [],
  }) as unknown as SourceSpec

/** A Deployment of a source; `asked` counts who looks whose it is. */
function deployment(n: number, available: number, asked: { count: number }): KubeObject {
  const metadata = { namespace: 'a', name: `web-${n}`, generation: 1 }
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 1 } }
  const mark = gcMark(syncSetOf(sourceOf(n)), refOf(object))
  const status = {
    observedGeneration: 1,
    replicas: 1,
    updatedReplicas: 1,
    readyReplicas: available,
    availableReplicas: available,
  }
  Object.defineProperty(metadata, 'labels', {
    get() {
      asked.count++
      return { [gcMarkLabel]: mark }
    },
  })
  return { ...object, status }
}

it('whose a workload is, is asked of those alone that are not healthy: many sources have many', () => {
  const asked = { count: 0 }
  const ofSources = Array.from({ length: many }, (_, n) => deployment(n, n === 7 ? 0 : 1, asked))
  const workloads = { ofSources, ofReleases: [] }
  const found = Array.from({ length: many }, (_, n) => unhealthyOfSource(sourceOf(n), workloads))
  expect(found.map((list) => list.map(({ id }) => id)).filter((list) => list.length > 0)).toEqual([
    ['a:deployment/web-7'],
  ])
  expect(found[7]).toHaveLength(1)
  expect(asked.count).toBeLessThanOrEqual(2 * many)
})
