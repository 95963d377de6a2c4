import { describe, expect, it } from 'vitest'
import { autoReleaseMessage } from './message.ts'
import type { RepositoryFacts } from './facts.ts'
import { openManifests } from './open-manifests.ts'
import { describeUpdate, planUpdates, repositoriesOf, tagsNeeded } from './plan-updates.ts'
import { listScans, makeScanFilter } from './scan-list.ts'
import { readWorkload, type Workload } from './workload.ts'

const now = Date.UTC(2026, 0, 1)
const digest = `sha256:${'0'.repeat(64)}`

function workloads(text: string): Workload[] {
  return openManifests(text).flatMap(({ object, isSealed }, index) => {
    const workload = readWorkload(object, { file: 'a.yaml', isSealed, index, defaultNamespace: 'default' })
    return workload ? [workload] : []
  })
}

function deployment(annotations: Record<string, string>, images: Record<string, string>, more = ''): string {
  const containers = Object.entries(images).map(([name, image]) => ({ name, image }))
  return `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, ${more} annotations: ${JSON.stringify(annotations)}}
spec: {template: {spec: {containers: ${JSON.stringify(containers)}}}}
`
}

const on = { 'fluxcd.io/automated': 'true' }
const versions: RepositoryFacts = { tags: ['1.0.0', '1.0.1', '2.0.0'], described: new Map() }

function plan(text: string, facts: RepositoryFacts | undefined = versions): string[] {
  const { updates, held } = planUpdates(workloads(text), () => facts, now)
  const kept = held.map(({ container, reason, why }) => `${container} ${reason || 'keep'}: ${why}`)
  return [...updates.map((update) => `${describeUpdate(update)} (${update.text})`), ...kept]
}

describe('planUpdates', () => {
  it('takes the policy of each container, under any prefix', () => {
    const annotations = { ...on, 'fluxcd.io/tag.a': 'semver:~1.0', 'filter.fluxcd.io/b': 'semver:*' }
    expect(plan(deployment(annotations, { a: 'quay.io/x:1.0.0', b: 'y' }))).toEqual([
      'default:deployment/app a: quay.io/x:1.0.0 → 1.0.1 (quay.io/x:1.0.1)',
      'default:deployment/app b: y → 2.0.0 (y:2.0.0)',
    ])
  })

  it('reads fluxcd.io before flux.weave.works before filter.fluxcd.io', () => {
    const annotations = {
      'filter.fluxcd.io/a': 'semver:2',
      'flux.weave.works/tag.a': 'semver:~1.0',
      'flux.weave.works/automated': 'true',
    }
    expect(plan(deployment(annotations, { a: 'x:1.0.0' }))[0]).toContain('→ 1.0.1')
  })

  const semver = { ...on, 'fluxcd.io/tag.a': 'semver:*' }
  const rows: [why: string, text: string, expected: string[]][] = [
    ['not automated', deployment({ 'fluxcd.io/tag.a': 'semver:*' }, { a: 'x:1.0.0' }), []],
    ['automated: yes is not true', deployment({ ...semver, 'fluxcd.io/automated': 'yes' }, { a: 'x:1.0.0' }), []],
    [
      'locked',
      deployment({ ...semver, 'fluxcd.io/locked': 'true' }, { a: 'x:1.0.0' }),
      ['a Locked: the workload is locked'],
    ],
    [
      'ignored',
      deployment({ ...semver, 'fluxcd.io/ignore': 'true' }, { a: 'x:1.0.0' }),
      ['a keep: the workload is ignored'],
    ],
    [
      'sync_only is no obstacle',
      deployment({ ...semver, 'fluxcd.io/ignore': 'sync_only' }, { a: 'x:1.0.0' }),
      ['default:deployment/app a: x:1.0.0 → 2.0.0 (x:2.0.0)'],
    ],
    ['up to date', deployment(semver, { a: 'x:2.0.0' }), ['a keep: 2.0.0 is the highest of 3 tags for semver:*']],
    [
      'pinned by a digest, and the new one is not known',
      deployment(semver, { a: `x:1.0.0@${digest}` }),
      ['a NotEditable: the image is pinned by a digest, and that of 2.0.0 is not known'],
    ],
    [
      'a filter that cannot be read',
      deployment({ ...on, 'fluxcd.io/tag.a': 'semver:banana' }, { a: 'x:1.0.0' }),
      ["a InvalidPolicy: 'semver:banana' is not a valid range of versions"],
    ],
    [
      'an add-on of the cluster',
      deployment(semver, { a: 'x:1.0.0' }, 'namespace: kube-system, labels: {kubernetes.io/cluster-service: "true"},'),
      [],
    ],
  ]
  it.each(rows)('%s', (_, text, expected) => {
    expect(plan(text)).toEqual(expected)
  })

  it('leaves a SOPS file alone: another byte would break its seal', () => {
    const text = `${deployment(semver, { a: 'x:1.0.0' })}sops: {mac: x}\n`
    expect(plan(text)).toEqual(['a NotEditable: the file is encrypted with SOPS'])
  })

  it('leaves it alone whichever of its documents has the seal', () => {
    const text = `${deployment(semver, { a: 'x:1.0.0' })}---\nvalues: {}\nsops: {mac: x}\n`
    expect(plan(text)).toEqual(['a NotEditable: the file is encrypted with SOPS'])
  })

  it('says so where nothing is known of a repository', () => {
    const { updates, held } = planUpdates(workloads(deployment(semver, { a: 'x:1.0.0' })), () => undefined, now)
    expect(updates).toEqual([])
    expect(held).toMatchObject([{ reason: '', why: 'nothing is known of its repository' }])
  })

  const other = `sha256:${'1'.repeat(64)}`
  const pinned = new Map([['2.0.0', { digest: other, created: 0, readAt: 0, holdsMs: 1 }]])
  it.each([
    ['pinned with its tag', `x:1.0.0@${digest}`, {}, `x:2.0.0@${other}`],
    ['pinned without a tag', `x@${digest}`, {}, `x:2.0.0@${other}`],
    ['a tag that was moved', `x:2.0.0@${digest}`, {}, `x:2.0.0@${other}`],
    ['an annotation for one container', 'x:2.0.0', { 'capstan.dev/pin.a': 'digest' }, `x:2.0.0@${other}`],
    ['an annotation for all', 'x', { 'capstan.dev/pin': 'digest' }, `x:2.0.0@${other}`],
  ])('writes the digest: %s', (_, image, more, expected) => {
    const text = deployment({ ...semver, ...more }, { a: image })
    expect(plan(text, { ...versions, described: pinned })[0]).toContain(`(${expected})`)
  })

  it('narrows by the annotations of one container before those for all', () => {
    const annotations = {
      ...semver,
      'capstan.dev/deny': '*',
      'capstan.dev/deny.a': '2.*',
      'capstan.dev/extract': '^[^ ]+',
    }
    expect(plan(deployment(annotations, { a: 'x:1.0.0' }))).toEqual([
      'default:deployment/app a: x:1.0.0 → 1.0.1 (x:1.0.1)',
    ])
  })

  it('changes only the tag of a HelmRelease', () => {
    const text = `apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata: {name: r, namespace: demo, annotations: {fluxcd.io/automated: "true", filter.fluxcd.io/chart-image: 'semver:~1.0'}}
spec: {values: {image: {registry: quay.io, repository: x, tag: 1.0.0}}}
`
    expect(plan(text)).toEqual(['demo:helmrelease/r chart-image: quay.io/x:1.0.0 → 1.0.1 (1.0.1)'])
  })
})

describe('tagsNeeded', () => {
  it('asks for what glob policies can choose, of automated workloads only', () => {
    const text =
      deployment({ ...on, 'fluxcd.io/tag.a': 'glob:1.*' }, { a: 'x:9', b: 'x:1', c: 'y:1' }) +
      deployment({}, { d: 'x:1' }).replace('name: app', 'name: other')
    const needed = tagsNeeded(workloads(text), 'index.docker.io/library/x', ['1.0', 'latest'])
    expect([...needed].toSorted()).toEqual(['1', '1.0'])
  })
})

describe('listScans', () => {
  const text =
    deployment(on, { a: 'x:1', b: 'k8s.gcr.io/pause:1', c: 'docker.io/library/x:2', d: 'quay.io/y' }) +
    deployment({}, { e: 'quay.io/z' }).replace('name: app', 'name: other')
  it('lists canonical names of automated workloads, each once', () => {
    const all = workloads(text)
    expect(repositoriesOf(all)).toEqual(['index.docker.io/library/x', 'k8s.gcr.io/pause', 'quay.io/y'])
    expect(listScans(all, { exclude: ['k8s.gcr.io/*'], include: [] })).toEqual([
      'index.docker.io/library/x',
      'quay.io/y',
    ])
  })
  it.each([
    [[], [], true],
    [['quay.io/*'], [], false],
    [['*/y'], ['quay.io/*'], false],
    [[], ['quay.io/*'], true],
    [[], ['gcr.io/*', 'docker.io/*'], false],
  ])('exclude %j, include %j: %s', (exclude, include, expected) => {
    expect(makeScanFilter({ exclude, include })('quay.io/a/y')).toBe(expected)
  })
})

describe('autoReleaseMessage', () => {
  it.each([
    [[], '', 'Auto-release (no images)\n'],
    [['x:2'], '', 'Auto-release x:2'],
    [['x:2', 'x:2'], '\n\n[ci skip]', 'Auto-release x:2\n\n[ci skip]'],
    [['y:1', 'x:2'], '', 'Auto-release multiple (2) images\n\n - x:2\n - y:1\n'],
  ])('%j %j', (images, suffix, expected) => {
    expect(autoReleaseMessage(images, suffix)).toBe(expected)
  })
})
