import { describe, expect, it } from 'vitest'
import { parseRef, repositoryOf } from '../image/ref.ts'
import { readWorkload } from '../image/workload.ts'
import type { Reason } from '../status/reason.ts'
import {
  type ImageFacts,
  imageSteps,
  repositoryStep,
  type RepositoryFacts,
  taggedSteps,
  untakenSteps,
} from './image-steps.ts'
import type { JobFact } from './job-fact.ts'
import { makeStep, type Step, type StepName, verdictOf } from './step.ts'

const now = Date.parse('2026-11-21T10:00:00Z')
const at = '2026-11-21T09:58:00Z'
const automated = { 'fluxcd.io/automated': 'true', 'fluxcd.io/tag.app': 'semver:~1.0' }
const locked = {
  ...automated,
  'fluxcd.io/locked': 'true',
  'fluxcd.io/locked_user': 'ana',
  'fluxcd.io/locked_msg': 'audit',
}
const id = 'demo:deployment/web'

type Given = {
  annotations?: Record<string, string>
  image?: string
  isSealed?: boolean
  repository?: Partial<RepositoryFacts>
} & Partial<Pick<ImageFacts, 'isHealthy' | 'update' | 'updated'>>

function facts(given: Given): ImageFacts {
  const { annotations = {}, image = 'reg.example/me/web:1.0.1', isSealed = false, repository, ...rest } = given
  const workload = readWorkload(
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'demo', annotations },
      spec: { template: { spec: { containers: [{ name: 'app', image }] } } },
    },
    { file: '', index: 0, isSealed, defaultNamespace: 'demo' },
  )
  const ref = parseRef(image)
  if (!workload || !ref) throw new Error('no workload')
  const known = {
    tags: { at, tags: ['1.0.0', '1.0.1'] },
    described: new Map(),
    scan: undefined,
    isScanned: true,
    ...repository,
  }
  return {
    workload,
    isHealthy: true,
    repositories: new Map([[repositoryOf(ref), known]]),
    update: undefined,
    updated: undefined,
    now,
    ...rest,
  }
}
const newer = { tags: { at, tags: ['1.0.1', '1.0.2'] } }
const job = (change: Partial<JobFact>): JobFact => ({ id: 'j.1', state: 'delayed', requestedAt: at, ...change })
const refused = (reason: string) => ({ tags: { at: '', tags: [], failure: { at, reason, message: 'no' } } })

type Expected = { step: StepName; reason: Reason; message?: string; nextTryAt?: string; command?: string }

describe('the first cause on the way of an image', () => {
  it.each<[fact: string, given: Given, expected: Expected | undefined]>([
    ['git names what the policy takes', { annotations: automated }, undefined],
    [
      'the registry refuses the credentials, and is asked again by the scan',
      {
        annotations: automated,
        repository: { ...refused('RegistryAuthFailed'), scan: job({ nextRunAt: '2026-11-21T10:02:00Z' }) },
      },
      { step: 'tag', reason: 'RegistryAuthFailed', message: 'no', nextTryAt: '2026-11-21T10:02:00Z' },
    ],
    [
      'the registry asks to slow down',
      { annotations: automated, repository: refused('RateLimited') },
      { step: 'tag', reason: 'RateLimited' },
    ],
    [
      'a failure of a registry stops nothing where git alone says the tag: nodes have ways of their own',
      { repository: refused('RegistryAuthFailed'), isHealthy: false },
      undefined,
    ],
    [
      'a word of Redis that is none of ours is the registry’s',
      { annotations: automated, repository: refused('<script>') },
      { step: 'tag', reason: 'RegistryUnreachable' },
    ],
    [
      'git names a tag that the registry does not have',
      { image: 'reg.example/me/web:nope', isHealthy: false },
      {
        step: 'tag',
        reason: 'TagNotFound',
        message: 'the registry has no tag nope of reg.example/me/web, only 2 tags',
      },
    ],
    ['a tag that is gone since is of no concern to what runs', { image: 'reg.example/me/web:nope' }, undefined],
    [
      'no tag matches the policy',
      { annotations: automated, repository: { tags: { at, tags: ['2.0.0'] } } },
      { step: 'policy', reason: 'NoTag' },
    ],
    [
      'the policy cannot be read',
      { annotations: { ...automated, 'fluxcd.io/tag.app': 'semver:~~' } },
      { step: 'policy', reason: 'InvalidPolicy' },
    ],
    [
      'what is in git comes before all that the policy finds',
      { annotations: automated, image: 'reg.example/me/web:1.0.9' },
      { step: 'policy', reason: 'WouldDowngrade' },
    ],
    [
      'nobody has asked the registry',
      { annotations: automated, repository: { tags: undefined, scan: job({ state: 'active' }) } },
      { step: 'tag', reason: 'NotReady', message: 'j.1 runs' },
    ],
    [
      'it is locked, and something newer waits',
      { annotations: locked, repository: newer },
      {
        step: 'commit',
        reason: 'Locked',
        message: 'app waits for 1.0.2: locked by ana: audit',
        command: `capstan unlock --workload ${id}`,
      },
    ],
    [
      'it is locked, in a file that no unlock could edit',
      { annotations: locked, repository: newer, isSealed: true },
      {
        step: 'commit',
        reason: 'Locked',
        message: 'app waits for 1.0.2: locked by ana: audit; it is encrypted with SOPS',
      },
    ],
    [
      'it is encrypted with SOPS',
      { annotations: automated, repository: newer, isSealed: true },
      { step: 'commit', reason: 'NotEditable', message: 'app waits for 1.0.2: it is encrypted with SOPS' },
    ],
    ['it is locked, and nothing newer waits', { annotations: locked }, undefined],
    [
      'the branch moves whenever we push',
      {
        annotations: automated,
        repository: newer,
        update: job({ failure: 'GitConflict: the branch moved 8 times', nextRunAt: '2026-11-21T10:00:30Z' }),
      },
      {
        step: 'commit',
        reason: 'GitConflict',
        message: 'app waits for 1.0.2: the branch moved 8 times',
        nextTryAt: '2026-11-21T10:00:30Z',
      },
    ],
    [
      'the last run was refused for good',
      {
        annotations: automated,
        repository: newer,
        updated: job({ state: 'failed', failure: 'GitPushRefused: protected' }),
      },
      { step: 'commit', reason: 'GitPushRefused' },
    ],
    [
      'the tag cannot be written',
      {
        annotations: automated,
        repository: newer,
        updated: job({ state: 'completed', result: `nothing to change; ${id} app NotEditable: it is an anchor` }),
      },
      { step: 'commit', reason: 'NotEditable', message: 'app waits for 1.0.2: it is an anchor' },
    ],
    [
      'nothing may be written',
      {
        annotations: automated,
        repository: newer,
        updated: job({ state: 'completed', result: 'git is read-only; not committed; x' }),
      },
      { step: 'commit', reason: 'NotEditable', message: 'app waits for 1.0.2: git is read-only' },
    ],
    [
      'the commit is on its way',
      { annotations: automated, repository: newer, update: job({ state: 'waiting' }) },
      { step: 'commit', reason: 'NotReady', message: 'app waits for 1.0.2: j.1 waits for its turn' },
    ],
    ['what is not automated takes nothing newer by itself', { repository: newer }, undefined],
  ])('%s', (_fact, given, expected) => {
    const { cause } = verdictOf(imageSteps(facts(given)))
    if (expected) expect(cause).toMatchObject(expected)
    else expect(cause).toBeUndefined()
  })

  it('tells the tag, the policy and the commit with the time of the list', () => {
    const steps = imageSteps(facts({ annotations: automated, repository: newer }))
    expect(steps.map(({ step, of, state, at: time }) => [step, of, state, time])).toEqual([
      ['tag', 'reg.example/me/web:1.0.1', 'done', at],
      ['policy', 'reg.example/me/web:1.0.1', 'done', at],
      ['commit', id, 'waiting', ''],
    ])
  })
})

describe('a tag that somebody asks about', () => {
  const repository = 'reg.example/me/web'
  it.each<[fact: string, tag: string, given: Given, expected: object]>([
    ['runs already', '1.0.1', {}, { state: 'done' }],
    ['is taken', '1.0.2', { annotations: automated, repository: newer }, { state: 'done' }],
    [
      'is kept out by the filter',
      '2.0.0',
      { annotations: automated, repository: { tags: { at, tags: ['1.0.1', '2.0.0'] } } },
      { state: 'stopped', reason: 'TagRefused', message: expect.stringContaining('semver:~1.0') },
    ],
    [
      'has another before it',
      '1.0.0',
      { annotations: automated },
      { state: 'stopped', reason: 'TagRefused', message: 'another tag comes before it for semver:~1.0' },
    ],
    [
      'is taken by nobody where the workload is not automated',
      '1.0.2',
      { repository: newer },
      {
        state: 'stopped',
        reason: 'NotAutomated',
        message: 'the cluster runs reg.example/me/web:1.0.1',
        command: `capstan automate --workload ${id}`,
      },
    ],
  ])('%s', (_fact, tag, given, expected) => {
    expect(taggedSteps(tag, repository, facts(given))).toMatchObject([{ step: 'policy', of: `${id} app`, ...expected }])
  })

  it.each<[fact: string, tag: string | undefined, known: Partial<RepositoryFacts>, expected: object]>([
    ['is there', '1.0.1', newer, { state: 'done', message: 'the registry has the tag 1.0.1' }],
    ['is not there', '3', newer, { state: 'stopped', reason: 'TagNotFound' }],
    [
      'of a registry that refuses us',
      '3',
      refused('RegistryAuthFailed'),
      { state: 'stopped', reason: 'RegistryAuthFailed' },
    ],
    ['is not said', undefined, newer, { state: 'done', message: 'the registry has 2 tags' }],
  ])('%s', (_fact, tag, known, expected) => {
    const base = { tags: undefined, described: new Map(), scan: undefined, isScanned: true }
    expect(repositoryStep(repository, tag, { ...base, ...known })).toMatchObject({
      step: 'tag',
      of: repository,
      ...expected,
    })
  })
})

describe('a tag that the live workload does not name', () => {
  const asked = (given: Given, tag = '1.0.2') => taggedSteps(tag, 'reg.example/me/web', facts(given))
  const way = (change: Partial<Record<StepName, Partial<Step>>>): Step[] =>
    (['commit', 'revision', 'queue', 'hold', 'apply', 'rollout'] as const).map((step) => ({
      ...makeStep(step, 'ops/web', 'done', { at }),
      ...change[step],
    }))
  const suspended = { hold: { state: 'stopped', reason: 'Suspended' } } as const
  const refusal = { apply: { state: 'stopped', reason: 'ApplyRefused' } } as const
  const late = { queue: { state: 'waiting', reason: 'NotReady' } } as const

  it.each<[fact: string, given: Given, rest: Step[], expected: { mayCome: boolean; state: string; reason: string }]>([
    [
      'is not in git where all of git is applied',
      {},
      way({}),
      { mayCome: false, state: 'stopped', reason: 'NotAutomated' },
    ],
    ['may be in git, which is held', {}, way(suspended), { mayCome: true, state: 'stopped', reason: 'Suspended' }],
    ['may be in git, which is refused', {}, way(refusal), { mayCome: true, state: 'stopped', reason: 'ApplyRefused' }],
    ['may be in git, which is on its way', {}, way(late), { mayCome: true, state: 'waiting', reason: 'NotReady' }],
    [
      'is not in git where pods do not run',
      {},
      way({ rollout: { state: 'stopped', reason: 'NotHealthy' } }),
      { mayCome: false, state: 'stopped', reason: 'NotAutomated' },
    ],
    [
      'is nowhere where no source has the workload',
      {},
      [],
      { mayCome: false, state: 'stopped', reason: 'NotAutomated' },
    ],
    [
      'is refused by the filter, whatever git says',
      { annotations: automated, repository: { tags: { at, tags: ['1.0.1', '1.0.0'] } } },
      way(suspended),
      { mayCome: false, state: 'stopped', reason: 'TagRefused' },
    ],
  ])('%s', (_fact, given, rest, { mayCome, ...expected }) => {
    const found = untakenSteps(asked(given, '1.0.0'), rest)
    const { state, cause } = verdictOf(found.steps)
    expect([found.mayCome, { state, reason: cause?.reason }]).toEqual([mayCome, expected])
  })

  it('tells the way from git, and what the cluster runs meanwhile', () => {
    const { steps } = untakenSteps(asked({}), way(suspended))
    expect(steps.map(({ step, state }) => `${step} ${state}`)).toEqual([
      'policy unknown',
      'revision done',
      'queue done',
      'hold stopped',
      'apply done',
      'rollout done',
    ])
    expect(steps[0]?.message).toBe('the cluster runs reg.example/me/web:1.0.1; not automated: git alone says the tag')
  })
})
