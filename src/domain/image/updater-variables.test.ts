import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import type { Update } from './plan-updates.ts'
import { imageVariables, policyVariables } from './updater-variables.ts'
import { readWorkload, type Workload } from './workload.ts'

const object = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'demo' },
  spec: { template: { spec: { containers: [{ name: 'app', image: 'quay.io/me/web:1' }] } } },
} as KubeObject
const workload = readWorkload(object, { file: '.flux.yaml', index: 0, defaultNamespace: 'default' }) as Workload
const [container] = workload.containers
const who = {
  FLUX_WORKLOAD: 'demo:deployment/web',
  FLUX_WL_NS: 'demo',
  FLUX_WL_KIND: 'deployment',
  FLUX_WL_NAME: 'web',
}

describe('the variables of updaters (flux-v1 §6)', () => {
  it('name the image without its tag, and the tag alone', () => {
    const to = { domain: 'quay.io', path: 'me/web', tag: '2', digest: `sha256:${'0'.repeat(64)}` }
    const update = { workload, container, to, text: '', why: '' } as Update
    expect(imageVariables(update)).toEqual({
      ...who,
      FLUX_CONTAINER: 'app',
      FLUX_IMG: 'quay.io/me/web',
      FLUX_TAG: '2',
    })
  })

  it.each([
    ['fluxcd.io/automated', 'true', { FLUX_POLICY: 'automated', FLUX_POLICY_VALUE: 'true' }],
    ['flux.weave.works/tag.app', 'glob:v*', { FLUX_POLICY: 'tag.app', FLUX_POLICY_VALUE: 'glob:v*' }],
    ['filter.fluxcd.io/app', 'glob:v*', { FLUX_POLICY: 'tag.app', FLUX_POLICY_VALUE: 'glob:v*' }],
    ['fluxcd.io/locked', undefined, { FLUX_POLICY: 'locked' }],
  ])('name the policy of %s without its prefix, with the value %s', (key, value, variables) => {
    expect(policyVariables(workload, { key, value })).toEqual({ ...who, ...variables })
  })
})
