import { expect, it } from 'vitest'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import type { SourceStatus } from '../../src/domain/source/status.ts'
import { createWorkbench, goodStatus, spec, token } from './workbench.ts'

const other: SourceSpec = { ...spec, namespace: 'shop', name: 'web' }
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'shop', name: 'web' },
  spec: { template: { spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] } } },
}

const damages: [string, unknown][] = [
  ['a version alone', { version: 1 }],
  ['a failure that is none', { ...goodStatus, failed: [null] }],
  ['no inventory', { ...goodStatus, inventory: null }],
  ['a mark of a suspension that is none', { ...goodStatus, suspended: 'x' }],
]

it.each(damages)('a status with %s stops no list of others', async (_what, damaged) => {
  const { app, objects, putStatus } = createWorkbench({ sources: [spec, other] })
  objects.push(deployment)
  putStatus(goodStatus)
  putStatus(damaged as SourceStatus, other)
  for (const path of ['sources', 'status', 'overview', 'objects', 'workloads', 'sources/shop/web', 'releases']) {
    const { statusCode } = await app.inject({
      url: `/api/v1/${path}`,
      headers: { authorization: `Bearer ${token}` },
    })
    expect([path, statusCode]).toEqual([path, 200])
  }
})
