import { describe, expect, it } from 'vitest'
import { allLatest, allWorkloads, type ContainersSpec, type ImageSpec } from '../work/update-spec.ts'
import type { RepositoryFacts } from './facts.ts'
import { openManifests } from './open-manifests.ts'
import { type LiveState, planContainerRelease, planImageRelease, type ReleasePlan, targetOf } from './release.ts'
import { readWorkload, type Workload } from './workload.ts'

type Row = { images: Record<string, string>; annotations?: Record<string, string>; more?: string }

function workloads(rows: Record<string, Row>): Workload[] {
  return Object.entries(rows).map(([name, { images, annotations = {}, more = '' }]) => {
    const containers = Object.entries(images).map(([container, image]) => ({ name: container, image }))
    const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: demo, annotations: ${JSON.stringify(annotations)}}
spec: {template: {spec: {containers: ${JSON.stringify(containers)}}}}
${more}`
    const object = openManifests(text)[0]?.object
    const workload = object && readWorkload(object, { file: `${name}.yaml`, index: 0, defaultNamespace: 'default' })
    if (!workload) throw new Error('no workload')
    return workload
  })
}

const facts: RepositoryFacts = { tags: ['1.0.0', '1.1.0', '2.0.0'], described: new Map() }
const semver = { 'fluxcd.io/tag.app': 'semver:~1' }
const id = (name: string) => `demo:deployment/${name}`

function release(rows: Record<string, Row>, spec: Partial<ImageSpec>, live: Record<string, LiveState> = {}): string[] {
  const whole: ImageSpec = {
    ServiceSpecs: [allWorkloads],
    ImageSpec: 'quay.io/app:1.1.0',
    Kind: 'execute',
    Excludes: [],
    Force: false,
    ...spec,
  }
  const plan = planImageRelease(workloads(rows), whole, {
    liveOf: (one) => live[one] ?? 'there',
    factsOf: (repository) => (repository === 'quay.io/app' ? facts : undefined),
    now: 0,
  })
  return linesOf(plan)
}

function linesOf({ updates, result }: ReleasePlan): string[] {
  const texts = updates.map(({ container, text }) => `${container.name}=${text}`)
  const lines = Object.entries(result).map(([one, { Status, Error: why = '', PerContainer = [] }]) => {
    const changes = PerContainer.map(({ Container, Current, Target }) => `${Container}: ${Current} -> ${Target}`)
    return [one.replace('demo:deployment/', ''), Status, ...changes, why].filter(Boolean).join(' ')
  })
  return [...lines, ...texts]
}

const web: Row = { images: { app: 'quay.io/app:1.0.0' } }

describe('planImageRelease', () => {
  const rows: [why: string, Record<string, Row>, Partial<ImageSpec>, expected: string[]][] = [
    [
      'one image to all',
      { web },
      {},
      ['web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0', 'app=quay.io/app:1.1.0'],
    ],
    [
      'every container that uses it',
      { web: { images: { a: 'quay.io/app:1', x: 'x:1', b: 'quay.io/app:2' } } },
      {},
      [
        'web success a: quay.io/app:1 -> quay.io/app:1.1.0 b: quay.io/app:2 -> quay.io/app:1.1.0',
        'a=quay.io/app:1.1.0',
        'b=quay.io/app:1.1.0',
      ],
    ],
    [
      'in the form that the manifest has',
      { web: { images: { app: 'docker.io/library/app' } } },
      { ImageSpec: 'app:3' },
      ['web success app: docker.io/library/app -> docker.io/library/app:3', 'app=docker.io/library/app:3'],
    ],
    [
      'to an older tag',
      { web },
      { ImageSpec: 'quay.io/app:0.9' },
      ['web success app: quay.io/app:1.0.0 -> quay.io/app:0.9', 'app=quay.io/app:0.9'],
    ],
    [
      'with a digest',
      { web },
      { ImageSpec: `quay.io/app:1.1.0@sha256:${'a'.repeat(64)}` },
      [
        `web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0@sha256:${'a'.repeat(64)}`,
        `app=quay.io/app:1.1.0@sha256:${'a'.repeat(64)}`,
      ],
    ],
    [
      'that is there already',
      { web: { images: { app: 'quay.io/app:1.1.0' } } },
      {},
      ['web skipped image(s) up to date'],
    ],
    ['another image', { web: { images: { app: 'other:1' } } }, {}, ['web ignored a different image']],
    [
      'not in the list',
      { web, api: web },
      { ServiceSpecs: [id('web')] },
      ['web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0', 'api ignored not included', 'app=quay.io/app:1.1.0'],
    ],
    ['excluded', { web }, { Excludes: [id('web')] }, ['web ignored excluded']],
    [
      'named and not there',
      { web },
      { ServiceSpecs: [id('gone')] },
      ['web ignored not included', 'gone skipped not found in repository'],
    ],
    ['locked', { web: { ...web, annotations: { 'fluxcd.io/locked': 'true' } } }, {}, ['web skipped locked']],
    [
      '… force does not open where all are meant',
      { web: { ...web, annotations: { 'fluxcd.io/locked': 'true' } } },
      { Force: true },
      ['web skipped locked'],
    ],
    [
      '… but where it is named',
      { web: { ...web, annotations: { 'fluxcd.io/locked': 'true' } } },
      { Force: true, ServiceSpecs: [id('web')] },
      ['web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0', 'app=quay.io/app:1.1.0'],
    ],
    [
      'ignored in git',
      { web: { ...web, annotations: { 'flux.weave.works/ignore': 'true' } } },
      {},
      ['web skipped ignore'],
    ],
    [
      'encrypted',
      { web: { ...web, more: 'sops: {mac: x}' } },
      { Force: true, ServiceSpecs: [id('web')] },
      ['web failed the file is encrypted with SOPS; edit it by hand'],
    ],
    [
      'encrypted and locked',
      { web: { ...web, annotations: { 'fluxcd.io/locked': 'true' }, more: 'sops: {mac: x}' } },
      {},
      ['web skipped locked'],
    ],
    [
      '… force opens the lock and not the seal',
      { web: { ...web, annotations: { 'fluxcd.io/locked': 'true' }, more: 'sops: {mac: x}' } },
      { Force: true, ServiceSpecs: [id('web')] },
      ['web failed the file is encrypted with SOPS; edit it by hand'],
    ],
    [
      '… nor for one that is ignored',
      { web: { ...web, annotations: { 'fluxcd.io/ignore': 'true' }, more: 'sops: {mac: x}' } },
      { Force: true, ServiceSpecs: [id('web')] },
      ['web failed the file is encrypted with SOPS; edit it by hand'],
    ],
    [
      'outside the filter',
      { web: { ...web, annotations: semver } },
      { ImageSpec: 'quay.io/app:2.0.0' },
      ['web skipped cannot find one or more images: 2.0.0 does not match semver:~1; --force overrides the tag filter'],
    ],
    [
      '… with force',
      { web: { ...web, annotations: semver } },
      { ImageSpec: 'quay.io/app:2.0.0', Force: true },
      ['web success app: quay.io/app:1.0.0 -> quay.io/app:2.0.0', 'app=quay.io/app:2.0.0'],
    ],
    [
      'latest, as fluxd',
      { web },
      { ImageSpec: 'quay.io/app:latest' },
      [
        'web skipped cannot find one or more images: latest is taken only by glob:latest; --force overrides the tag filter',
      ],
    ],
    [
      'the newest of all, by the filter',
      { web: { ...web, annotations: semver } },
      { ImageSpec: allLatest },
      ['web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0', 'app=quay.io/app:1.1.0'],
    ],
    [
      '… force lets no filter fall',
      { web: { ...web, annotations: semver } },
      { ImageSpec: allLatest, Force: true },
      ['web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0', 'app=quay.io/app:1.1.0'],
    ],
    [
      '… up to date',
      { web: { images: { app: 'quay.io/app:1.1.0' }, annotations: semver } },
      { ImageSpec: allLatest },
      ['web skipped image(s) up to date'],
    ],
    [
      '… nothing matches',
      { web: { ...web, annotations: { 'fluxcd.io/tag.app': 'semver:~7' } } },
      { ImageSpec: allLatest },
      ['web skipped cannot find one or more images: none of 3 tags matches semver:~7'],
    ],
    [
      '… a registry that could not be read',
      { web: { images: { app: 'gone:1' } } },
      { ImageSpec: allLatest },
      ['web skipped cannot find one or more images: the registry could not be read, or its images are excluded'],
    ],
    [
      '… one of two containers',
      { web: { images: { x: 'gone:1', app: 'quay.io/app:1.0.0' }, annotations: semver } },
      { ImageSpec: allLatest },
      ['web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0', 'app=quay.io/app:1.1.0'],
    ],
  ]
  it.each(rows)('%s', (_, given, spec, expected) => {
    expect(release(given, spec)).toEqual(expected)
  })

  it.each([
    ['absent', false, 'web skipped not accessible in cluster'],
    ['ignored', false, 'web skipped ignore'],
    ['ignored', true, 'web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0'],
  ] as const)('a live object that is %s, force %s', (live, Force, expected) => {
    const spec = { Force, ServiceSpecs: [id('web')] }
    expect(release({ web }, spec, { [id('web')]: live })[0]).toBe(expected)
  })

  it('fails a workload whose values hold no tag to change', () => {
    const text =
      'apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata: {name: r}\nspec: {values: {image: quay.io/app}}\n'
    const object = openManifests(text)[0]?.object
    const workload = object && readWorkload(object, { file: 'r.yaml', index: 0, defaultNamespace: 'demo' })
    const spec: ImageSpec = {
      ServiceSpecs: [allWorkloads],
      ImageSpec: 'quay.io/app:2',
      Kind: 'execute',
      Excludes: [],
      Force: false,
    }
    const plan = planImageRelease(workload ? [workload] : [], spec, {
      liveOf: () => 'there',
      factsOf: () => undefined,
      now: 0,
    })
    expect(plan).toMatchObject({
      updates: [],
      result: { 'demo:helmrelease/r': { Status: 'failed', Error: /without a tag/ } },
    })
  })
})

describe('targetOf', () => {
  it.each([
    ['quay.io/app', { problem: "'quay.io/app' names no tag; give it as name:tag" }],
    ['a b', { problem: "'a b' is no image" }],
    [allLatest, {}],
  ])('%s', (text, expected) => {
    expect(targetOf({ ServiceSpecs: [], ImageSpec: text, Kind: 'plan', Excludes: [], Force: false })).toEqual(expected)
  })
})

describe('planContainerRelease', () => {
  const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`
  const fact = (digit: string) => ({ digest: digestOf(digit), readAt: 0, holdsMs: 0 })
  const pinnedFacts: RepositoryFacts = {
    tags: ['1.0.0', '1.1.0', 'latest', 'main'],
    described: new Map([
      ['1.0.0', fact('1')],
      ['latest', fact('2')],
      ['main', fact('2')],
      ['1.1.0', fact('2')],
    ]),
  }
  const pinned: Row = { images: { app: `quay.io/app:1.0.0@${digestOf('1')}` }, annotations: semver }
  const byDigest = {
    Container: 'app',
    Current: `quay.io/app@${digestOf('1')}`,
    Target: `quay.io/app@${digestOf('2')}`,
  }
  const change = { Container: 'app', Current: 'quay.io/app:1.0.0', Target: 'quay.io/app:1.1.0' }
  const done = ['web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0', 'app=quay.io/app:1.1.0']
  const rows: [why: string, Record<string, Row>, Partial<ContainersSpec>, expected: string[]][] = [
    ['what was chosen', { web }, { ContainerSpecs: { [id('web')]: [change] } }, done],
    [
      'whatever it has now',
      { web },
      { ContainerSpecs: { [id('web')]: [{ Container: 'app', Target: change.Target }] } },
      done,
    ],
    [
      'a container that is not there',
      { web },
      { ContainerSpecs: { [id('web')]: [{ ...change, Container: 'x' }] }, SkipMismatches: true },
      ['web failed container(s) not found: x'],
    ],
    [
      'another image than was expected',
      { web },
      { ContainerSpecs: { [id('web')]: [{ ...change, Current: 'quay.io/app:0' }] } },
      ['web failed container(s) tag mismatch: app'],
    ],
    [
      '… skipped',
      { web },
      { ContainerSpecs: { [id('web')]: [{ ...change, Current: 'quay.io/app:0' }] }, SkipMismatches: true },
      ['web skipped container(s) tag mismatch: app'],
    ],
    [
      '… while the other goes on',
      { web: { images: { app: 'quay.io/app:1.0.0', b: 'b:1' } } },
      {
        ContainerSpecs: { [id('web')]: [change, { Container: 'b', Current: 'b:0', Target: 'b:2' }] },
        SkipMismatches: true,
      },
      ['web success app: quay.io/app:1.0.0 -> quay.io/app:1.1.0 container(s) tag mismatch: b', 'app=quay.io/app:1.1.0'],
    ],
    [
      'up to date',
      { web },
      { ContainerSpecs: { [id('web')]: [{ Container: 'app', Target: 'quay.io/app:1.0.0' }] } },
      ['web skipped image(s) up to date'],
    ],
    [
      'an image by its digest, from one by its digest',
      { web: pinned },
      { ContainerSpecs: { [id('web')]: [byDigest] } },
      [
        `web success app: quay.io/app:1.0.0@${digestOf('1')} -> quay.io/app:1.1.0@${digestOf('2')}`,
        `app=quay.io/app:1.1.0@${digestOf('2')}`,
      ],
    ],
    [
      '… from another than was expected',
      { web: pinned },
      { ContainerSpecs: { [id('web')]: [{ ...byDigest, Current: `quay.io/app@${digestOf('9')}` }] } },
      ['web failed container(s) tag mismatch: app'],
    ],
    [
      '… from none',
      { web },
      { ContainerSpecs: { [id('web')]: [byDigest] } },
      ['web failed container(s) tag mismatch: app'],
    ],
    [
      '… that is there already',
      { web: pinned },
      { ContainerSpecs: { [id('web')]: [{ ...byDigest, Target: byDigest.Current }] } },
      ['web skipped image(s) up to date'],
    ],
    [
      '… of which nobody knows the tag',
      { web: pinned },
      { ContainerSpecs: { [id('web')]: [{ ...byDigest, Target: `quay.io/app@${digestOf('9')}` }] } },
      [`web failed app: no tag of 'quay.io/app@${digestOf('9')}' is known; name the image with its tag`],
    ],
    [
      '… of another name',
      { web: pinned },
      { ContainerSpecs: { [id('web')]: [{ ...byDigest, Target: `evil/app@${digestOf('2')}` }] } },
      [`web failed app: 'evil/app@${digestOf('2')}' is not another tag of its image`],
    ],
    [
      'another name',
      { web },
      { ContainerSpecs: { [id('web')]: [{ Container: 'app', Target: 'evil/app:1' }] } },
      ["web failed app: 'evil/app:1' is not another tag of its image"],
    ],
    [
      'locked',
      { web: { ...web, annotations: { 'fluxcd.io/locked': 'true' } } },
      { ContainerSpecs: { [id('web')]: [change] } },
      ['web skipped locked'],
    ],
    [
      '… with force',
      { web: { ...web, annotations: { 'fluxcd.io/locked': 'true' } } },
      { ContainerSpecs: { [id('web')]: [change] }, Force: true },
      done,
    ],
    [
      'a workload that is not there',
      { web },
      { ContainerSpecs: { [id('x')]: [change] } },
      ['x skipped not found in repository', 'web ignored not included'],
    ],
  ]
  it.each(rows)('%s', (_, given, spec, expected) => {
    const whole = { Kind: 'execute' as const, ContainerSpecs: {}, SkipMismatches: false, Force: false, ...spec }
    expect(
      linesOf(planContainerRelease(workloads(given), whole, { liveOf: () => 'there', factsOf: () => pinnedFacts })),
    ).toEqual(expected)
  })
})
