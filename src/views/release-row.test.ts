import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../domain/manifest/object.ts'
import { releaseRow, releaseTarget } from './release-row.ts'

function helmRelease(parts: { spec?: object; status?: object; metadata?: object } = {}): KubeObject {
  return {
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    metadata: { name: 'web', namespace: 'demo', generation: 2, ...parts.metadata },
    spec: { chart: { repository: 'http://charts', name: 'podinfo', version: '6.x' }, ...parts.spec },
    ...(parts.status ? { status: parts.status } : {}),
  }
}

const condition = (type: string, status: string, reason: string, message = '') => ({ type, status, reason, message })
const released = {
  observedGeneration: 2,
  phase: 'Succeeded',
  revision: '6.5.4',
  conditions: [condition('Released', 'True', 'Succeeded', 'Installed.')],
}
const deployed = { revision: 3, state: 'deployed' }

describe('releaseRow', () => {
  it('shows a release that is as it should be', () => {
    expect(releaseRow(helmRelease({ status: released }), deployed, [])).toEqual({
      namespace: 'demo',
      name: 'web',
      release: 'demo-web',
      targetNamespace: 'demo',
      chart: 'podinfo@6.5.4',
      revision: 3,
      state: 'deployed',
      ready: true,
      healthy: true,
      reason: '',
      message: 'Installed.',
      phase: 'Succeeded',
      unhealthy: [],
    })
  })

  it.each<[string, KubeObject, { revision: number; state: string } | undefined, object]>([
    [
      'new',
      helmRelease(),
      undefined,
      { ready: false, reason: 'NotReady', state: 'absent', revision: 0, chart: 'podinfo@6.x' },
    ],
    [
      'changed and not worked on',
      helmRelease({ status: { ...released, observedGeneration: 1 } }),
      deployed,
      { ready: false, reason: 'NotReady' },
    ],
    [
      'an upgrade runs',
      helmRelease({ status: released }),
      { revision: 4, state: 'pending-upgrade' },
      { ready: false, message: 'helm says: pending-upgrade.' },
    ],
    ['helm’s revision is gone', helmRelease({ status: released }), undefined, { ready: false, state: 'absent' }],
    [
      'helm failed',
      helmRelease({
        status: { ...released, conditions: [condition('Released', 'False', 'DeployFailed', 'no such image')] },
      }),
      { revision: 4, state: 'failed' },
      { ready: false, reason: 'DeployFailed', message: 'no such image' },
    ],
    [
      'a reason of ours in front',
      helmRelease({
        status: {
          ...released,
          conditions: [condition('Released', 'False', 'ChartFetchFailed', 'ChartNotFound: no chart')],
        },
      }),
      deployed,
      { reason: 'ChartNotFound', message: 'no chart' },
    ],
    [
      'a word that is none of ours',
      helmRelease({ status: { ...released, conditions: [condition('Released', 'False', 'Failed', 'Error: x')] } }),
      deployed,
      { reason: 'Failed', message: 'Error: x' },
    ],
    [
      'being deleted',
      helmRelease({ status: released, metadata: { deletionTimestamp: 't' } }),
      deployed,
      { ready: false, message: 'It is being deleted.' },
    ],
    [
      'suspended as it should be',
      helmRelease({ status: released, metadata: { annotations: { 'capstan.dev/suspend': 'true' } } }),
      deployed,
      { ready: true, message: 'suspended by somebody. Installed.' },
    ],
    [
      'suspended in trouble',
      helmRelease({ metadata: { annotations: { 'capstan.dev/suspend': 'true' } } }),
      deployed,
      { ready: false, reason: 'Suspended' },
    ],
    [
      'a chart from git',
      helmRelease({
        spec: { chart: { git: 'https://g', path: 'charts/web', ref: 'main' } },
        status: { ...released, revision: 'abc' },
      }),
      deployed,
      { chart: 'git:charts/web@abc' },
    ],
    ['odd fields', { ...helmRelease(), spec: 'x', status: ['x'] }, deployed, { ready: false, chart: '' }],
  ])('%s', (_fact, object, stored, expected) => {
    expect(releaseRow(object, stored, [])).toMatchObject(expected)
  })
})

describe('releaseTarget', () => {
  it.each([
    ['same namespace', {}, { release: 'demo-web', namespace: 'demo' }],
    ['another namespace', { targetNamespace: 'x' }, { release: 'demo-x-web', namespace: 'x' }],
    ['a name given', { releaseName: 'y', targetNamespace: 'x' }, { release: 'y', namespace: 'x' }],
  ])('%s', (_fact, spec, expected) => {
    expect(releaseTarget(helmRelease({ spec }))).toEqual(expected)
  })
})
