import { createHmac, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEgress } from '../../src/adapters/egress/index.ts'
import { createDeliver, type OpenSink } from '../../src/adapters/sinks/index.ts'
import { type Event, makeEvent, type StoredEvent } from '../../src/domain/event/event.ts'
import { readSinks, type SecretText, type Sink } from '../../src/domain/event/sink.ts'
import { makePayload } from '../../src/domain/work/payload.ts'
import { type RequestAsk, requestJobName, requestKey } from '../../src/domain/work/request.ts'
import type { WorkRequest } from '../../src/domain/work/job.ts'
import { deliverEvent } from '../../src/jobs/deliver-event/index.ts'
import { createHistory } from '../../src/jobs/history.ts'
import { resync } from '../../src/jobs/resync.ts'
import { notifySinks, owedSinks, startSinks } from '../../src/jobs/notify-sinks.ts'
import { createRequests } from '../../src/jobs/requests.ts'
import { askForReplay, readState } from '../../src/jobs/sink-state.ts'
import { silent } from '../api/workbench.ts'
import { createFakeStore, type FakeStore } from '../fakes/store.ts'
import { type Receiver, startReceiver } from './receiver.ts'

const commit = 'c0ffee00'.repeat(5)
const at = new Date('2026-11-21T10:00:00.000Z')
const egress = createEgress()
const deliver = createDeliver({ egress })
const { signal } = new AbortController()
let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

function syncEvent(message: string, more: Partial<Event> = {}): Event {
  const base = makeEvent({
    type: 'sync',
    metadata: { commits: [{ revision: commit, message: 'by hand' }], includes: { other: true } },
    source: { kind: 'source', namespace: 'capstan', name: 'default' },
    startedAt: at.toISOString(),
    endedAt: at.toISOString(),
    serviceIDs: ['demo:deployment/web'],
    commit,
    message,
  })
  return { ...base, ...more } as Event
}

/** A sink as a file names it, at our receiver. */
function sinkFrom(fields: Record<string, unknown>, path = ''): Sink {
  const { sinks, problems } = readSinks({ sinks: [{ name: 'one', url: `${receiver.url}${path}`, ...fields }] })
  expect(problems).toEqual([])
  return sinks[0] as Sink
}

function open({ name, type, repository, template, ...secrets }: Sink): OpenSink {
  const read = (text: SecretText | undefined): string => (text && 'value' in text ? text.value : '')
  const { url, token, secret, ca } = secrets
  return { name, type, repository, template, url: read(url), token: read(token), secret: read(secret), ca: read(ca) }
}

/** What arrives of one event. */
async function arrives(sink: Sink, event: Event) {
  const stored: StoredEvent = { ...event, id: '1-0' }
  expect(await deliver(stored, open(sink), signal)).toBe(true)
  const [request, ...others] = receiver.received
  expect(others).toEqual([])
  return { ...request, json: JSON.parse(request?.body || 'null') as Record<string, unknown> }
}

const failing = () =>
  syncEvent('Sync: <x> & *y*; ApplyRefused: 1 of 3 objects failed', { severity: 'error', reason: 'ApplyRefused' })

describe('what arrives', () => {
  it('at a webhook: the event, signed', async () => {
    const event = failing()
    const { method, url, headers, body, json } = await arrives(
      sinkFrom({ type: 'webhook', secret: 'a-shared-secret' }, '/hook?x=1'),
      event,
    )
    expect([method, url, headers?.['content-type']]).toEqual(['POST', '/hook?x=1', 'application/json'])
    const signature = createHmac('sha256', 'a-shared-secret')
      .update(body ?? '')
      .digest('hex')
    expect(headers).toMatchObject({
      'x-capstan-event': 'sync',
      'x-capstan-delivery': '1-0',
      'x-capstan-signature-256': `sha256=${signature}`,
    })
    expect(json).toEqual({ ...event, id: '1-0' })
  })

  it('at Slack: text that is no markup', async () => {
    const { json } = await arrives(sinkFrom({ type: 'slack' }, '/services/T/B/x'), failing())
    expect(json).toMatchObject({
      attachments: [
        {
          color: '#c62828',
          title: 'sync capstan/default',
          text: 'Sync: &lt;x&gt; &amp; *y*; ApplyRefused: 1 of 3 objects failed',
          mrkdwn_in: [],
          ts: at.getTime() / 1000,
        },
      ],
    })
  })

  it('at Slack: the words of a template', async () => {
    const template = '{{severity}}: {{name}} ({{reason}})'
    const { json } = await arrives(sinkFrom({ type: 'slack', template }), failing())
    expect(json).toMatchObject({ attachments: [{ text: 'error: default (ApplyRefused)' }] })
  })

  it('at Teams: an adaptive card whose text is no markup', async () => {
    const { json } = await arrives(sinkFrom({ type: 'teams' }), failing())
    const run = (text: string) => expect.objectContaining({ type: 'TextRun', text })
    expect(json).toMatchObject({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            type: 'AdaptiveCard',
            body: [
              { type: 'RichTextBlock', inlines: [run('sync capstan/default')] },
              { type: 'RichTextBlock', inlines: [run('Sync: <x> & *y*; ApplyRefused: 1 of 3 objects failed')] },
            ],
          },
        },
      ],
    })
  })

  it('at Discord: an embed that calls nobody', async () => {
    const { json } = await arrives(sinkFrom({ type: 'discord' }), syncEvent('@everyone *look*'))
    expect(json).toMatchObject({
      allowed_mentions: { parse: [] },
      embeds: [{ title: 'sync capstan/default', description: '@everyone \\*look\\*', timestamp: at.toISOString() }],
    })
  })

  it('at Alertmanager: an alert that fires, and the same one ended', async () => {
    const sink = sinkFrom({ type: 'alertmanager', token: 'a-token' }, '/alertmanager/')
    const { url, headers, json } = await arrives(sink, failing())
    expect([url, headers?.authorization]).toEqual(['/alertmanager/api/v2/alerts', 'Bearer a-token'])
    await deliver({ ...syncEvent('well again'), id: '2-0' }, open(sink), signal)
    const ended = JSON.parse(receiver.received[1]?.body ?? '') as unknown
    const labels = {
      alertname: 'CapstanSourceFailing',
      kind: 'source',
      namespace: 'capstan',
      name: 'default',
      severity: 'error',
    }
    expect(json).toMatchObject([
      { labels, annotations: { reason: 'ApplyRefused', commit }, startsAt: at.toISOString() },
    ])
    expect(ended).toMatchObject([{ labels, endsAt: at.toISOString() }])
    const [{ endsAt }] = json as unknown as [{ endsAt: string }]
    expect(Date.parse(endsAt) - at.getTime()).toBeGreaterThan(86_400_000)
  })

  it.each([
    ['', 'success', 'success'],
    ['NotReady', 'pending', 'pending'],
    ['ApplyRefused', 'failure', 'failed'],
  ])('at GitHub and GitLab: the status of the commit (%s)', async (reason, github, gitlab) => {
    const event = syncEvent('x'.repeat(300), { reason })
    const first = await arrives(sinkFrom({ type: 'github', token: 'gh-token', repository: 'me/cluster' }), event)
    expect([first.method, first.url]).toEqual(['POST', `/repos/me/cluster/statuses/${commit}`])
    expect(first.headers).toMatchObject({ authorization: 'Bearer gh-token', 'x-github-api-version': '2022-11-28' })
    expect(first.json).toMatchObject({ state: github, context: 'capstan/capstan/default' })
    expect(first.json.description).toHaveLength(140)
    receiver.received.length = 0
    const second = await arrives(
      sinkFrom({ type: 'gitlab', token: 'gl-token', repository: 'group/sub/cluster' }),
      event,
    )
    expect(second.url).toBe(`/api/v4/projects/group%2Fsub%2Fcluster/statuses/${commit}`)
    expect(second.headers).toMatchObject({ 'private-token': 'gl-token' })
    expect(second.json).toMatchObject({ state: gitlab, name: 'capstan/capstan/default' })
  })

  it('at the service of --connect: what fluxd would have sent', async () => {
    const { method, url, headers, json } = await arrives(
      sinkFrom({ type: 'upstream', token: 'a-token' }, '/api/flux'),
      failing(),
    )
    expect([method, url, headers?.authorization]).toEqual(['POST', '/api/flux/v6/events', 'Scope-Probe token=a-token'])
    expect(json).toEqual({
      id: 0,
      serviceIDs: ['demo:deployment/web'],
      type: 'sync',
      startedAt: at.toISOString(),
      endedAt: at.toISOString(),
      logLevel: 'info',
      metadata: { commits: [{ revision: commit, message: 'by hand' }], includes: { other: true } },
    })
  })
})

/** A sink with its job, and events told through the real history. */
function bench(fields: Record<string, unknown> = { type: 'webhook', secret: 'a-shared-secret' }) {
  const sink = sinkFrom(fields)
  const store: FakeStore = createFakeStore()
  const enqueued: WorkRequest[] = []
  const clock = { now: at }
  const requests = createRequests({
    store,
    key: () => requestKey('a-token'),
    newId: () => randomBytes(16).toString('hex'),
    now: () => clock.now,
  })
  const enqueue = async (request: WorkRequest) => {
    enqueued.push(request)
    return { jobId: 'deliver-event.1' }
  }
  const parts = { sinks: [sink], namespace: 'capstan', enqueue }
  const onTold = async (events: readonly Event[]) => await notifySinks(events, { ...parts, log: silent })
  const { tell } = createHistory({ store, redact: (text) => text, onTold, log: silent })('a-job')
  const deps = { sinks: [sink], store, deliver, open, requests, enqueue, log: silent, now: () => clock.now }
  const run = async (name = 'one') => {
    const made = makePayload({ kind: 'deliver-event', namespace: 'capstan', name, reason: 'event' }, at.toISOString())
    if (!('payload' in made)) throw new Error(made.problem)
    return await deliverEvent(made.payload, deps, signal)
  }
  return {
    store,
    tell,
    enqueued,
    clock,
    run,
    start: async () => await startSinks(parts, store),
    /** The periodic pass over all sinks. */
    derive: async () => {
      const sources = { list: () => [], get: () => undefined, remote: async () => ({ url: '' }) }
      const cluster = { list: async () => [], resource: async () => undefined }
      const none = { scans: async () => [], scanSpreadMs: 0, random: () => 0, releaseNamespace: '', finalizer: true }
      const sinks = async () => await owedSinks([sink], store)
      const payload = {
        kind: 'resync',
        namespace: 'capstan',
        name: 'sinks',
        reason: 'periodic',
        requestedAt: '',
      } as const
      return await resync(payload, { sources, cluster, enqueue, sinks, ...none }, signal)
    },
    state: async () => await readState('one', store),
    ask: async (ask: RequestAsk) => {
      const request = await requests.put({ namespace: 'capstan', name: 'one', by: 'ann', ask })
      return await run(requestJobName(request)).catch((error: Error) => error)
    },
    got: () => receiver.received.map(({ body }) => (JSON.parse(body) as Event).message),
  }
}

describe('the job of a sink', () => {
  it('sends what is new, in order, each once', async () => {
    const { tell, run, got, enqueued } = bench()
    await tell([syncEvent('1'), syncEvent('2')])
    expect(enqueued).toMatchObject([{ kind: 'deliver-event', name: 'one', lane: 'periodic' }])
    expect(await run()).toEqual({ end: 'done', summary: '2 sent' })
    expect(await run()).toEqual({ end: 'done', summary: '0 sent' })
    await tell([syncEvent('3')])
    await run()
    expect(got()).toEqual(['1', '2', '3'])
  })

  it('is asked for though that of another sink cannot be', async () => {
    const sink = sinkFrom({ type: 'slack' })
    const sinks = ['first', 'second', 'third'].map((name) => ({ ...sink, name }))
    const enqueued: string[] = []
    const warned: unknown[] = []
    const enqueue = async ({ name }: WorkRequest) => {
      if (name !== 'third') throw new Error(`no place for ${name}`)
      enqueued.push(name)
      return { jobId: 'deliver-event.1' }
    }
    const log = { ...silent, warn: (line: object) => warned.push(line) }
    await notifySinks([syncEvent('1')], { sinks, namespace: 'capstan', enqueue, log })
    expect(enqueued).toEqual(['third'])
    expect(warned).toEqual(['first', 'second'].map((name) => ({ sink: name, error: `Error: no place for ${name}` })))
  })

  it('sends what its filter lets through, and is not asked for anything else', async () => {
    const { tell, run, got, enqueued } = bench({
      type: 'webhook',
      secret: 'x',
      severity: 'error',
      namespaces: ['capstan'],
    })
    await tell([syncEvent('no')])
    expect(enqueued).toEqual([])
    await tell([syncEvent('yes', { severity: 'error' })])
    await run()
    expect([got(), enqueued.length]).toEqual([['yes'], 1])
  })

  it.each([
    [500, undefined, 'SinkUnreachable', 'backoff'],
    [429, '7', 'SinkUnreachable', { afterMs: 7000 }],
    [401, undefined, 'SinkRefused', 'backoff'],
    [404, undefined, 'SinkRefused', 'backoff'],
  ] as const)(
    'after an answer of %i it tries the same event again, and the others wait',
    async (status, after, reason, retry) => {
      const { tell, run, got, state } = bench()
      await tell([syncEvent('1'), syncEvent('2'), syncEvent('3')])
      receiver.answers.push({ status: 200 }, { status, ...(after ? { headers: { 'retry-after': after } } : {}) })
      await expect(run()).rejects.toMatchObject({ reason, retry })
      expect(await state()).toMatchObject({ failures: 1, failure: `${reason}: sink one answered ${status}` })
      expect(await run()).toEqual({ end: 'done', summary: '2 sent' })
      expect(got()).toEqual(['1', '2', '2', '3'])
      expect(await state()).toMatchObject({ failures: 0, failure: '' })
    },
  )

  it('leaves out an event that is refused for good', async () => {
    const { tell, run, got } = bench()
    await tell([syncEvent('1'), syncEvent('2')])
    receiver.answers.push({ status: 422 })
    expect(await run()).toEqual({ end: 'done', summary: '1 sent, 1 refused' })
    expect(got()).toEqual(['1', '2'])
  })

  it.each([
    ['the commit', '404 Commit Not Found', 'leaves it out'],
    ['a branch of the commit', '404 References for commit Not Found', 'leaves it out'],
    ['the project', '404 Project Not Found', 'waits'],
  ])('of gitlab that has not %s (%s) %s', async (_what, message, end) => {
    const { tell, run, state } = bench({ type: 'gitlab', token: 'x', repository: 'me/cluster' })
    const [own, foreign] = [commit, 'f0'.repeat(20)]
    await tell([syncEvent('1', { commit: foreign }), syncEvent('2', { commit: own })])
    receiver.answers.push({ status: 404, body: JSON.stringify({ message }) })
    const leftOut = { end: 'done', summary: '1 sent, 1 refused' }
    if (end === 'waits') await expect(run()).rejects.toMatchObject({ reason: 'SinkRefused', retry: 'backoff' })
    else expect(await run()).toEqual(leftOut)
    const urls = receiver.received.map(({ url }) => url.split('/').at(-1))
    expect(urls).toEqual(end === 'waits' ? [foreign] : [foreign, own])
    expect(await state()).toMatchObject({ failures: end === 'waits' ? 1 : 0 })
  })

  it('follows no redirect, and reaches no address of a metadata service', async () => {
    const { tell, run } = bench()
    await tell([syncEvent('1')])
    receiver.answers.push({ status: 302, headers: { location: `${receiver.url}/elsewhere` } })
    await expect(run()).rejects.toThrow('a POST is not redirected')
    expect(receiver.received).toHaveLength(1)
    const there = open({ ...sinkFrom({ type: 'slack' }), url: { value: 'http://169.254.169.254/latest' } })
    await expect(deliver({ ...syncEvent('x'), id: '1-0' }, there, signal)).rejects.toMatchObject({
      reason: 'SinkUnreachable',
      message: expect.stringContaining('not allowed'),
    })
  })

  it('does not flood a sink that was away for days, but replays what it is asked for', async () => {
    const { tell, run, got, clock, ask } = bench()
    await tell([syncEvent('old')])
    clock.now = new Date(at.getTime() + 3 * 86_400_000)
    await tell([syncEvent('new', { endedAt: clock.now.toISOString() })])
    expect(await run()).toEqual({ end: 'done', summary: '1 sent, 1 too old' })
    const since = '2020-01-01T00:00:00Z'
    expect(await ask({ kind: 'deliver-event', change: 'replay', since })).toMatchObject({ end: 'done' })
    expect(await run()).toEqual({ end: 'done', summary: '2 sent' })
    expect(got()).toEqual(['new', 'old', 'new'])
  })

  it.each([
    ['alertmanager', 500, 'waits'],
    ['alertmanager', 401, 'waits'],
    ['gitlab', 500, 'waits'],
    ['gitlab', 403, 'leaves it out'],
  ])('gives %s also what it missed for days (after an answer of %i it %s)', async (type, status, end) => {
    const { tell, run, clock } = bench(type === 'gitlab' ? { type, token: 'x', repository: 'me/cluster' } : { type })
    await tell([failing()])
    await run()
    await tell([syncEvent('well again')])
    clock.now = new Date(at.getTime() + 3 * 86_400_000)
    receiver.received.length = 0
    receiver.answers.push({ status })
    if (end === 'waits') {
      await expect(run()).rejects.toMatchObject({ retry: 'backoff' })
      expect(await run()).toEqual({ end: 'done', summary: '1 sent' })
    } else expect(await run()).toEqual({ end: 'done', summary: '0 sent, 1 refused' })
    const last = receiver.received.at(-1)?.body ?? ''
    expect(last).toContain(type === 'gitlab' ? '"state":"success"' : `"endsAt":"${at.toISOString()}"`)
    expect(receiver.received).toHaveLength(end === 'waits' ? 2 : 1)
  })

  it('goes on with a replay after a failure, and sends each of its events once', async () => {
    const { tell, run, got, ask, enqueued } = bench()
    await tell([syncEvent('1'), syncEvent('2'), syncEvent('3')])
    await run()
    receiver.received.length = 0
    const since = '2020-01-01T00:00:00Z'
    expect(await ask({ kind: 'deliver-event', change: 'replay', since })).toMatchObject({ end: 'done' })
    expect(enqueued.at(-1)).toMatchObject({ kind: 'deliver-event', name: 'one', lane: 'person' })
    expect(got()).toEqual([])
    receiver.answers.push({ status: 200 }, { status: 500 })
    await expect(run()).rejects.toMatchObject({ reason: 'SinkUnreachable' })
    expect(await run()).toEqual({ end: 'done', summary: '2 sent' })
    expect(await run()).toEqual({ end: 'done', summary: '0 sent' })
    expect(got()).toEqual(['1', '2', '2', '3'])
  })

  it('takes up a replay that is asked for while it sends', async () => {
    const { tell, run, got, ask } = bench()
    await tell(Array.from({ length: 150 }, (_, count) => syncEvent(`${count}`)))
    const sending = run()
    await ask({ kind: 'deliver-event', change: 'replay', since: '2020-01-01T00:00:00Z' })
    await sending
    await run()
    expect(got().slice(-150)).toEqual(Array.from({ length: 150 }, (_, count) => `${count}`))
  })

  it('says that a replay which Redis did not keep is none', async () => {
    const { run, tell, store, got } = bench()
    await tell([syncEvent('1')])
    await run()
    store.goAway()
    await expect(askForReplay('one', new Date(0), store)).rejects.toMatchObject({ reason: 'RedisUnavailable' })
    store.comeBack()
    await run()
    expect(got()).toEqual(['1'])
  })

  it('begins with what happens from now on, and catches up after a stop', async () => {
    const { tell, run, got, start, enqueued } = bench()
    await tell([syncEvent('before it was there')])
    enqueued.length = 0
    await start()
    expect(enqueued).toEqual([])
    await tell([syncEvent('1')])
    enqueued.length = 0
    await start()
    expect(enqueued).toHaveLength(1)
    await run()
    expect(got()).toEqual(['1'])
  })

  it('is asked for again where Redis has lost it, as long as anything is owed', async () => {
    const { tell, run, start, store, enqueued, derive } = bench()
    await tell([syncEvent('before it was there')])
    enqueued.length = 0
    await derive()
    await start()
    await derive()
    expect(enqueued).toEqual([])
    await tell([syncEvent('1')])
    enqueued.length = 0
    await derive()
    expect(enqueued).toMatchObject([{ kind: 'deliver-event', namespace: 'capstan', name: 'one', lane: 'periodic' }])
    await run()
    enqueued.length = 0
    await derive()
    expect(enqueued).toEqual([])
    await askForReplay('one', new Date(0), store)
    await derive()
    expect(enqueued).toHaveLength(1)
    await run()
    await derive()
    expect(enqueued).toHaveLength(1)
  })

  it('says so when an event is too large to be kept, and keeps the next', async () => {
    const store = createFakeStore()
    const warned: unknown[] = []
    const log = { ...silent, warn: (...line: unknown[]) => warned.push(line) }
    const { tell } = createHistory({ store, redact: (text) => text, log })('a-job')
    const odd = Object.fromEntries(Array.from({ length: 5 }, (_, count) => [`${count}${'k'.repeat(2000)}`, 1]))
    await tell([{ ...syncEvent('odd'), ...odd }, syncEvent('next')])
    expect(warned).toEqual([[{ error: expect.stringContaining('larger') }, 'what happened could not be told']])
    const kept = await store.page('events', { order: 'oldest', limit: 9 })
    expect(kept.map(({ entry }) => (JSON.parse(entry.json ?? '') as Event).message)).toEqual(['next'])
  })

  it('sends nothing twice because Redis did not answer', async () => {
    const { tell, run, got, store } = bench()
    await tell([syncEvent('1')])
    await run()
    store.goAway()
    await expect(run()).rejects.toMatchObject({ reason: 'RedisUnavailable' })
    store.comeBack()
    await run()
    expect(got()).toEqual(['1'])
  })

  it('is tried out by people, who are told how that went', async () => {
    const { ask, got, state } = bench({ type: 'webhook', secret: 'x', types: ['lock'] })
    const test = { kind: 'deliver-event', change: 'test' } as const
    expect(await ask(test)).toEqual({ end: 'done', summary: 'sink one took a test' })
    expect(got()).toEqual(['ann tries this sink: all is well'])
    receiver.answers.push({ status: 403 })
    expect(await ask(test)).toMatchObject({ reason: 'SinkRefused', retry: 'never', message: 'sink one answered 403' })
    expect(await state()).toBeUndefined()
  })

  it.each([
    ['github', 'me/cluster', '/repos/me/cluster'],
    ['gitlab', 'me/cluster', '/api/v4/projects/me%2Fcluster'],
  ])('a test of %s asks whether the repository can be seen', async (type, repository, url) => {
    const { ask } = bench({ type, token: 'x', repository })
    await ask({ kind: 'deliver-event', change: 'test' })
    expect(receiver.received.map((one) => [one.method, one.url])).toEqual([['GET', url]])
  })
})
