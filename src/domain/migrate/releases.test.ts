import { describe, expect, it } from 'vitest'
import { operator } from '../../../test/migrate/shapes.ts'
import type { KubeObject } from '../manifest/object.ts'
import { readOldDeployment } from './old-deployment.ts'
import type { OldFacts } from './old-facts.ts'
import { definitionOwner, fromReleases, type ReleaseFacts, type StoredRelease } from './releases.ts'

function factsWith(versions: string | undefined): OldFacts {
  const flags =
    versions === undefined ? [] : [{ name: 'enabled-helm-versions', values: [versions], became: 'same', saying: '' }]
  return {
    old: readOldDeployment(operator()) ?? expect.fail('no ancestor'),
    flags,
    problems: [],
    files: new Map(),
    accountAnnotations: {},
    isClusterWide: true,
    services: [],
    namespace: 'flux',
  }
}

function helmRelease(spec: Record<string, unknown>, conditions: unknown[] = []): KubeObject {
  const apiVersion = 'helm.fluxcd.io/v1'
  return { apiVersion, kind: 'HelmRelease', metadata: { name: 'web', namespace: 'shop' }, spec, status: { conditions } }
}

function releasesOf(object: KubeObject, stored: StoredRelease | undefined): ReleaseFacts {
  return {
    helmReleases: [object],
    legacy: 0,
    stored: new Map(stored ? [['shop/shop-web', stored]] : []),
    definition: undefined,
  }
}

const good = { state: 'deployed', revision: 3 }
const rolledBack = [{ type: 'RolledBack', status: 'True' }]

type Row = [
  fact: string,
  versions: string | undefined,
  object: KubeObject,
  stored: StoredRelease | undefined,
  became: string,
  text: RegExp,
]

const rows: Row[] = [
  ['deployed by helm 3', 'v3', helmRelease({}), good, 'same', /1 taken over as they are/],
  ['deployed by helm 3, where v2 is the default', 'v2,v3', helmRelease({}), good, 'same', /1 taken over as they are/],
  [
    'of no version, where v2 is the default',
    'v2,v3',
    helmRelease({}),
    undefined,
    'refused',
    /helm 2to3 convert shop-web/,
  ],
  [
    'of no version, where no flag says which',
    undefined,
    helmRelease({}),
    undefined,
    'refused',
    /helm 2 has its release/,
  ],
  ['that asks for v2', 'v3', helmRelease({ helmVersion: 'v2' }), undefined, 'refused', /convert it/],
  [
    'that asks for v2 and was converted',
    'v3',
    helmRelease({ helmVersion: 'v2' }),
    good,
    'refused',
    /set spec.helmVersion: v3/,
  ],
  [
    'that asks for v3 and has no release',
    'v2,v3',
    helmRelease({ helmVersion: 'v3' }),
    undefined,
    'do',
    /Capstan installs it/,
  ],
  [
    'failed',
    'v3',
    helmRelease({}),
    { state: 'failed', revision: 2 },
    'do',
    /is failed: Capstan leaves it so \(AdoptionHold\)/,
  ],
  ['pending', 'v3', helmRelease({}), { state: 'pending-upgrade', revision: 2 }, 'do', /is pending-upgrade/],
  ['rolled back', 'v3', helmRelease({}, rolledBack), good, 'same', /it stays so/],
]

describe('a HelmRelease', () => {
  it.each(rows)('%s', (...[, versions, object, stored, became, text]) => {
    const { notes = [] } = fromReleases(factsWith(versions), releasesOf(object, stored))
    expect(notes.map((note) => note.became)).toEqual([became])
    expect(notes[0]?.text).toMatch(text)
  })
})

describe('the definition', () => {
  const definition = (metadata: object): ReleaseFacts => ({
    helmReleases: [],
    legacy: 2,
    stored: new Map(),
    definition: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'x', ...metadata },
    },
  })

  it.each([
    [
      'annotations of helm 3',
      { annotations: { 'meta.helm.sh/release-name': 'op', 'meta.helm.sh/release-namespace': 'flux' } },
      'flux/op',
    ],
    ['labels of the chart', { labels: { heritage: 'Helm', release: 'op' } }, 'op'],
    ['nothing', {}, undefined],
  ])('is in a release by %s', (_fact, metadata, owner) => {
    expect(definitionOwner(definition(metadata))).toBe(owner)
    const { notes = [] } = fromReleases(factsWith('v3'), definition(metadata))
    expect(notes.some(({ text }) => text.includes('--set createCRD=false'))).toBe(owner !== undefined)
    expect(notes.some(({ text }) => text.startsWith('2 of them'))).toBe(true)
  })
})
