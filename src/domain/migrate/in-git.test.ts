import { describe, expect, it } from 'vitest'
import { fluxd, operator } from '../../../test/migrate/shapes.ts'
import { gcMarkLabel } from '../manifest/annotations.ts'
import type { Ancestor } from '../manifest/ancestor.ts'
import type { KubeObject } from '../manifest/object.ts'
import { fromKeepers, markOf } from './in-git.ts'
import { readOldDeployment } from './old-deployment.ts'
import type { OldFacts } from './old-facts.ts'

type Meta = { labels?: Record<string, string>; annotations?: Record<string, string> }

function kept(object: KubeObject, meta: Meta): KubeObject {
  const { labels, annotations } = object.metadata
  const metadata = { labels: { ...labels, ...meta.labels }, annotations: { ...annotations, ...meta.annotations } }
  return { ...object, metadata: { ...object.metadata, ...metadata } }
}

const marked = { labels: { [gcMarkLabel]: 'sha256.x' } }
const summed = { annotations: { 'fluxcd.io/sync-checksum': 'x' } }
const ignored = { ...marked, annotations: { 'fluxcd.io/ignore': 'true' } }
const released = { annotations: { 'helm.fluxcd.io/antecedent': 'flux:helmrelease/helm-operator' } }
const byHelm = { annotations: { 'meta.helm.sh/release-name': 'flux', 'meta.helm.sh/release-namespace': 'flux' } }

type Row = [fact: string, object: KubeObject, goOn: Ancestor[], became: string[], text: RegExp]

const rows: Row[] = [
  ['fluxd in its own repository', kept(fluxd(), marked), [], ['do'], /AncestorInSource.*delete its files from git/],
  ['marked by a checksum alone', kept(fluxd(), summed), [], ['do'], /AncestorInSource/],
  ['the Operator, with a fluxd that goes on', kept(operator(), marked), ['fluxd'], ['refused'], /replicas: 0 in git/],
  ['the Operator that this fluxd ignores', kept(operator(), ignored), ['fluxd'], [], /^$/],
  [
    'fluxd by a HelmRelease of an Operator that goes on',
    kept(fluxd(), released),
    ['helm-operator'],
    ['refused'],
    /move both/,
  ],
  ['the Operator by its own HelmRelease', kept(operator(), released), [], ['do'], /capstan\.dev\/suspend/],
  ['installed by helm', kept(fluxd(), byHelm), [], ['do'], /release flux\/flux made it: uninstall that once you stay/],
  ['kept by nobody', fluxd(), ['helm-operator'], [], /^$/],
]

describe('who would start an ancestor again', () => {
  it.each(rows)('%s', (...[, object, goOn, became, text]) => {
    const { notes = [] } = fromKeepers(readOldDeployment(object) ?? expect.fail('no ancestor'), {
      goOn: new Set(goOn),
      moved: undefined,
    })
    expect(notes.map((note) => note.became)).toEqual(became)
    expect(notes.map((note) => note.text).join()).toMatch(text)
  })
})

describe('beside a fluxd of another repository, which goes on', () => {
  const moved = (object: KubeObject): OldFacts => ({
    old: readOldDeployment(object) ?? expect.fail('no ancestor'),
    flags: [
      { name: 'git-url', values: ['git@github.com:you/cluster.git'], became: 'same', saying: '' },
      { name: 'git-branch', values: ['main'], became: 'same', saying: '' },
      { name: 'git-path', values: ['a,b'], became: 'same', saying: '' },
    ],
    problems: [],
    files: new Map(),
    accountAnnotations: {},
    isClusterWide: true,
    services: [],
    namespace: 'flux',
  })
  const mark = markOf(moved(fluxd()))?.(fluxd()) ?? ''

  it.each([
    ['its own mark: it moves along', mark, ['do']],
    ["the other one's mark: that would start it again", 'sha256.x', ['refused']],
  ])('%s', (_fact, label, became) => {
    const object = kept(fluxd(), { labels: { [gcMarkLabel]: label } })
    const facts = moved(object)
    const { notes = [] } = fromKeepers(facts.old, { goOn: new Set(['fluxd']), moved: facts })
    expect(notes.map((note) => note.became)).toEqual(became)
  })

  it('is not known where the URL has variables in it', () => {
    const facts = moved(fluxd())
    const flags = [{ name: 'git-url', values: ['https://$(A)@git.example/a.git'], became: 'same', saying: '' }]
    expect(markOf({ ...facts, flags })).toBeUndefined()
  })
})
