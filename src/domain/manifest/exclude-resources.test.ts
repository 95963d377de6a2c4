import { describe, expect, it } from 'vitest'
import { makeExcludedKinds, makePrunableKinds } from './exclude-resources.ts'

const fluxdDefault = ['*metrics.k8s.io/*', 'webhook.certmanager.k8s.io/*', 'v1/Event']

describe('the kinds that are left alone', () => {
  it.each<[string, string[], string, boolean]>([
    ['of every group of metrics', fluxdDefault, 'custom.metrics.k8s.io/v1beta2 MetricValueList', true],
    ['one of the core group', fluxdDefault, 'v1 Event', true],
    ['not the kind of that name in another group', fluxdDefault, 'events.k8s.io/v1 Event', false],
    ['not what begins alike', fluxdDefault, 'v1 EventSource', false],
    ['not the rest', fluxdDefault, 'apps/v1 Deployment', false],
    ['a whole version of a group', ['apps/v1/'], 'apps/v1 Deployment', true],
    ['every version', ['apps/*/Deployment'], 'apps/v1beta1 Deployment', true],
    ['case counts', ['apps/v1/deployment'], 'apps/v1 Deployment', false],
    ['none without a pattern', [], 'v1 Event', false],
  ])('%s', (_, patterns, name, expected) => {
    const [apiVersion = '', kind = ''] = name.split(' ')
    expect(makeExcludedKinds(patterns)({ apiVersion, kind })).toBe(expected)
  })
})

describe('the kinds that may be deleted when they left git', () => {
  it.each([
    ['an ordinary one', 'v1', 'ConfigMap', true],
    ['an excluded one', 'v1', 'Event', false],
    ['endpoints, which fluxd never listed', 'v1', 'Endpoints', false],
    ['component statuses', 'v1', 'ComponentStatus', false],
    ['another group’s kind of that name', 'x.io/v1', 'Endpoints', true],
  ])('%s', (_, apiVersion, kind, expected) => {
    expect(makePrunableKinds(fluxdDefault)({ apiVersion, kind })).toBe(expected)
  })
})
