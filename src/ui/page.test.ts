import { describe, expect, it } from 'vitest'
import type { Explanation } from '../api/contract/explain.ts'
import type { Overview } from '../api/contract/overview.ts'
import type { Source } from '../api/contract/status.ts'
import { renderClosedPage, renderPage } from './page.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const attack = `<script>alert(1)</script>"'&`

const source: Source = {
  namespace: 'flux',
  name: 'default',
  url: 'https://git.example/a.git',
  branch: 'main',
  ref: 'branch main',
  paths: [],
  revision: `main@${'a'.repeat(40)}`,
  attempted: '',
  head: '',
  ready: true,
  healthy: true,
  reason: '',
  message: '',
  objects: 12,
  failed: [],
  failedCount: 0,
  held: [],
  drifted: [],
  suspended: null,
  marker: null,
  unhealthy: [],
  fetchedAt: '2026-11-21T11:59:30Z',
  changedAt: '',
  observedAt: '2026-11-21T12:00:00Z',
}

const calm: Overview = {
  version: '1.2.3',
  ready: true,
  healthy: true,
  totals: { sources: { all: 1, ready: 1 }, releases: { all: 0, ready: 0 } },
  sources: [source],
  releases: [],
  unhealthy: [],
  lanes: [{ lane: 'person', waiting: 0, active: 0, oldestWaitSeconds: 0 }],
  queues: null,
  jobs: [],
  stuck: [],
  notes: [],
  observedAt: '2026-11-21T12:00:00Z',
}

const step = { of: 'flux/default', at: '', reason: '', message: '', command: '', nextTryAt: '' }
const explanation: Explanation = {
  subject: { kind: 'source', id: 'flux/default' },
  state: 'stopped',
  cause: {
    ...step,
    step: 'revision',
    reason: 'GitAuthFailed',
    message: attack,
    unblock: 'Check the key.',
    command: 'capstan identity',
    nextTryAt: '2026-11-21T12:01:00Z',
  },
  steps: [
    { ...step, step: 'commit', state: 'done' },
    { ...step, step: 'revision', state: 'stopped', reason: 'GitAuthFailed', message: attack },
    { ...step, step: 'revision', state: 'done' },
    { ...step, step: 'apply', state: 'unknown' },
  ],
  notes: [],
  observedAt: '',
}

describe('the page', () => {
  const verdicts: [string, Partial<Overview>, string][] = [
    ['everything ready and healthy', {}, 'All is as git wants it'],
    [
      'a source that stands still',
      { ready: false, totals: { sources: { all: 2, ready: 1 }, releases: { all: 0, ready: 0 } } },
      '1 thing not as git wants it',
    ],
    ['releases that could not be read', { ready: false }, 'It is not known whether all is as git wants it'],
    [
      'a pod that does not start',
      { healthy: false, unhealthy: [{ id: 'a:deployment/b', state: 'progressing', message: '' }] },
      '1 workload not healthy yet',
    ],
    ['workloads that could not be read', { healthy: false }, 'The health of workloads is not known'],
  ]
  it.each(verdicts)('says in one line how it stands: %s', (_fact, parts, verdict) => {
    expect(renderPage({ ...calm, ...parts }, now)).toContain(`>${verdict}</p>`)
  })

  it('shows the way of what stands still: each station with its worst state, the first cause marked', () => {
    const text = renderPage({ ...calm, stuck: [{ explanation, others: ['release a/b'] }] }, now)
    const stations = [...text.matchAll(/<li class="([a-z ]+)" title="[^"]+: ([^"]+)">\n.*?class="name">(\w+)</g)]
    expect(stations.map(([, tone, state, name]) => `${name} ${tone} ${state}`)).toEqual([
      'tag quiet no part of this way',
      'policy quiet no part of this way',
      'commit good done',
      'revision bad here stopped',
      'queue quiet no part of this way',
      'hold quiet no part of this way',
      'apply quiet not known',
      'rollout quiet no part of this way',
    ])
    for (const part of ['GitAuthFailed', 'Check the key.', '<code>capstan identity</code>', 'in 60 s', 'release a/b'])
      expect(text).toContain(part)
  })

  it('escapes what others wrote, wherever it stands', () => {
    const object = { id: attack, file: attack, line: 3, reason: attack, message: attack, since: attack }
    const drift = { ...object, manager: attack, at: '', fields: [attack], reason: 'Drifted' as const }
    const release = {
      namespace: attack,
      name: attack,
      release: 'x',
      targetNamespace: attack,
      chart: attack,
      revision: 1,
    }
    const job = {
      id: `sync-source.${attack}`,
      kind: 'sync-source' as const,
      namespace: attack,
      name: attack,
      lane: attack,
    }
    const text = renderPage(
      {
        ...calm,
        version: attack,
        sources: [
          {
            ...source,
            namespace: attack,
            name: attack,
            url: attack,
            ref: attack,
            paths: [attack],
            revision: attack,
            ready: false,
            reason: attack,
            message: attack,
            failed: [object],
            held: [object],
            drifted: [drift],
            fetchedAt: attack,
          },
        ],
        releases: [
          {
            ...release,
            state: attack,
            ready: false,
            healthy: false,
            reason: attack,
            message: attack,
            phase: '',
            unhealthy: [],
          },
        ],
        unhealthy: [{ id: attack, state: 'failed', message: attack }],
        lanes: [{ lane: attack, waiting: 1, active: 1, oldestWaitSeconds: 5 }],
        jobs: [{ ...job, reason: attack, state: 'failed', attempts: 1, requestedAt: attack, failure: attack }],
        stuck: [{ explanation: { ...explanation, subject: { kind: 'source', id: attack } }, others: [attack] }],
        notes: [attack],
      },
      now,
    )
    expect(text).not.toContain('<script>alert')
    expect(text).not.toMatch(/="[^"]*"'&/)
    expect(text.match(/<script/g)).toHaveLength(1)
  })

  it('shows signs that hide or turn text round', () => {
    const text = renderPage({ ...calm, notes: ['a\u202eb\u0000c\u200bd'] }, now)
    expect(text).toContain('<p class="note">a�b�c�d</p>')
  })

  it('has nothing inline that its content policy would refuse', () => {
    const text = renderPage({ ...calm, stuck: [{ explanation, others: [] }] }, now) + renderClosedPage()
    expect(text).not.toMatch(/\sstyle=|\son\w+=|<style|javascript:/)
    expect(text.match(/https?:\/\/[^<"\s]+/g)?.filter((url) => !url.startsWith(source.url))).toEqual([])
  })

  it('says that the queue is not known while Redis is away', () => {
    const text = renderPage({ ...calm, lanes: [] }, now)
    expect(text).toContain('It is not known: Redis does not answer.')
    expect(text).toContain('<span class="big">?</span>')
  })

  it('draws lanes as bars in proportion to the deepest', () => {
    const lanes = [
      { lane: 'person', waiting: 0, active: 1, oldestWaitSeconds: 0 },
      { lane: 'periodic', waiting: 20, active: 0, oldestWaitSeconds: 300 },
    ]
    const bars = [...renderPage({ ...calm, lanes }, now).matchAll(/class="(runs|waits)"(?: x="\d+")? width="(\d+)"/g)]
    expect(bars.map(([, kind, width]) => `${kind} ${width}`)).toEqual(['runs 12', 'waits 0', 'runs 0', 'waits 240'])
  })

  it('leads from a job to the board, also one of a scheduler', () => {
    const job = {
      id: 'resync.repeat~all~17',
      kind: 'resync' as const,
      namespace: '',
      name: 'sources',
      reason: 'periodic',
      state: 'active' as const,
      lane: 'periodic',
      attempts: 1,
      requestedAt: '2026-11-21T11:59:00Z',
    }
    expect(renderPage({ ...calm, jobs: [job] }, now)).toContain('href="/queues/queue/resync/repeat%3Aall%3A17"')
  })

  it('tells what a closed browser must do', () => {
    expect(renderClosedPage()).toContain('capstan queue open')
  })
})
