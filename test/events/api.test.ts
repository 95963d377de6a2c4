import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { DeploymentList, EventList } from '../../src/api/contract/event.ts'
import type { Deployment } from '../../src/domain/event/deployment.ts'
import { type Event, makeEvent } from '../../src/domain/event/event.ts'
import { eventStream } from '../../src/domain/event/stored.ts'
import { createHistory } from '../../src/jobs/history.ts'
import { createCliBench } from '../api/cli-bench.ts'
import { authorized, createWorkbench, silent, token } from '../api/workbench.ts'

let bench: ReturnType<typeof createWorkbench>
let current: string

beforeEach(() => {
  current = token
  bench = createWorkbench({ app: { token: () => current } })
})
afterEach(() => bench.app.close())

const history = () => createHistory({ store: bench.store, redact: (text) => text, log: silent })('sync-source.7')

function event(message: string, more: Partial<Event> = {}): Event {
  const at = new Date().toISOString()
  const source = { kind: 'source' as const, namespace: 'capstan-system', name: 'default' }
  const base = makeEvent({ type: 'sync', metadata: { initialSync: true }, source, startedAt: at, endedAt: at, message })
  return { ...base, ...more } as Event
}

function deployment(more: Partial<Deployment> = {}): Deployment {
  const at = new Date().toISOString()
  return {
    source: { kind: 'source', namespace: 'capstan-system', name: 'default' },
    cause: { by: 'ann', why: 'requested by ann' },
    job: '',
    startedAt: at,
    endedAt: at,
    outcome: 'done',
    reason: '',
    message: 'fine',
    revision: `main@${'1'.repeat(40)}`,
    before: '',
    chart: '',
    chartDigest: '',
    valuesDigest: '',
    helmRevision: 0,
    images: [],
    counts: { created: 2, unchanged: 1 },
    changes: [{ id: 'demo:deployment/web', action: 'created', reason: '' }],
    ...more,
  }
}

async function list(query = ''): Promise<EventList> {
  const answer = await bench.app.inject({ url: `/api/v1/events${query}`, headers: authorized })
  expect(answer.statusCode).toBe(200)
  return answer.json<EventList>()
}

const messages = ({ events }: EventList): string[] => events.map(({ message }) => message)

describe('GET /api/v1/events', () => {
  it('gives the newest first, page after page, none twice and none left out', async () => {
    await history().tell(['1', '2', '3', '4', '5'].map((text) => event(text)))
    const first = await list('?limit=2')
    const second = await list(`?limit=2&cursor=${first.next}`)
    await history().tell([event('6')])
    const third = await list(`?limit=2&cursor=${second.next}`)
    expect([first, second, third].map(messages)).toEqual([['5', '4'], ['3', '2'], ['1']])
    expect(third.next).toBe('')
    expect(first.events[0]).toMatchObject({
      metadata: { initialSync: true },
      source: { name: 'default' },
      logLevel: 'info',
    })
  })

  it('filters', async () => {
    const release = { kind: 'release' as const, namespace: 'team-a', name: 'podinfo' }
    await history().tell([
      event('a', { severity: 'error' }),
      event('b', { severity: 'warning', source: release, type: 'helm_release', metadata: {} } as Partial<Event>),
      event('c', { endedAt: '2020-01-01T00:00:00Z' }),
      event('d', { type: 'error', metadata: {} } as Partial<Event>),
    ])
    expect(messages(await list('?severity=warning'))).toEqual(['b', 'a'])
    expect(messages(await list('?source=team-a/podinfo'))).toEqual(['b'])
    expect(messages(await list('?source=podinfo&source=default'))).toEqual(['d', 'c', 'b', 'a'])
    expect(messages(await list('?namespace=team-a'))).toEqual(['b'])
    expect(messages(await list('?type=error&type=helm_release'))).toEqual(['d', 'b'])
    expect(messages(await list('?since=2021-01-01T00:00:00Z'))).toEqual(['d', 'b', 'a'])
  })

  it('leaves out what somebody else wrote into Redis', async () => {
    await bench.store.append(eventStream, { json: '{"type":"sync"}' }, { maxLength: 10 })
    await bench.store.append(eventStream, { text: 'x' }, { maxLength: 10 })
    expect(messages(await list())).toEqual([])
  })

  it.each(['?limit=0', '?severity=loud', '?cursor=x', '?since=yesterday', '?type=party'])(
    'refuses %s',
    async (query) => {
      const answer = await bench.app.inject({ url: `/api/v1/events${query}`, headers: authorized })
      expect(answer.statusCode).toBe(400)
    },
  )

  it('says that it does not know while Redis is away, instead of nothing happened', async () => {
    bench.store.goAway()
    for (const path of ['events', 'events/export', 'events/stream', 'history']) {
      const answer = await bench.app.inject({ url: `/api/v1/${path}`, headers: authorized })
      expect([path, answer.statusCode]).toEqual([path, 503])
    }
  })

  it('wants the token', async () => {
    for (const path of ['events', 'events/export', 'events/stream', 'history'])
      expect((await bench.app.inject({ url: `/api/v1/${path}` })).statusCode).toBe(401)
  })
})

describe('GET /api/v1/events/export', () => {
  it('gives all of them as lines, oldest first', async () => {
    await history().tell(Array.from({ length: 1200 }, (_, at) => event(`${at}`, at % 2 ? { severity: 'error' } : {})))
    const answer = await bench.app.inject({ url: '/api/v1/events/export?severity=error', headers: authorized })
    expect(answer.headers['content-type']).toContain('application/x-ndjson')
    const lines = answer.body
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as Event).message)
    expect(lines).toEqual(Array.from({ length: 600 }, (_, at) => `${at * 2 + 1}`))
  })
})

/** What a client of server-sent events has got so far. */
async function follow(lastId?: string) {
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  const control = new AbortController()
  const headers = { ...authorized, ...(lastId ? { 'last-event-id': lastId } : {}) }
  const response = await fetch(`${url}/api/v1/events/stream`, { headers, signal: control.signal })
  let text = ''
  const decoder = new TextDecoder()
  const ended = (async () => {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true })
  })().catch(() => undefined)
  const got = () => [...text.matchAll(/^id: (\S+)\nevent: (\S+)\ndata: (.*)\n\n/gm)]
  return { response, got, ended, stop: () => control.abort() }
}

describe('GET /api/v1/events/stream', () => {
  it('gives what happens from now on, each with its id', async () => {
    await history().tell([event('before')])
    const { response, got, stop } = await follow()
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    await history().tell([event('one\nline'), event('two', { severity: 'error' })])
    await until('both have come', async () => got().length === 2)
    const [[, id, type, data] = [], [, , , second] = []] = got()
    const { events } = await list()
    expect([id, type]).toEqual([events[1]?.id, 'sync'])
    expect(JSON.parse(data ?? '')).toMatchObject({ message: 'one\nline', id })
    expect(JSON.parse(second ?? '')).toMatchObject({ message: 'two' })
    stop()
  })

  it('goes on after the one that the client saw last', async () => {
    await history().tell([event('1'), event('2'), event('3')])
    const { events } = await list()
    const { got, stop } = await follow(events[2]?.id)
    await until('the rest has come', async () => got().length === 2)
    expect(got().map(([, , , data = '']) => (JSON.parse(data) as Event).message)).toEqual(['2', '3'])
    stop()
  })

  it('ends when the token is another one', async () => {
    const { ended } = await follow()
    current = 'another-token'
    await ended
    await history().tell([event('secret')])
  })
})

describe('GET /api/v1/history', () => {
  it('gives the ledger of a source, a release or a workload', async () => {
    const source = { kind: 'release' as const, namespace: 'team-a', name: 'podinfo' }
    await history().record(deployment())
    await history().record(
      deployment({ source, chart: 'podinfo 6.0.0', helmRevision: 3, counts: { upgrade: 1 }, changes: [] }),
    )
    const ask = async (query: string) =>
      (await bench.app.inject({ url: `/api/v1/history${query}`, headers: authorized })).json<DeploymentList>()
        .deployments
    expect((await ask('')).map(({ source: { name } }) => name)).toEqual(['podinfo', 'default'])
    expect(await ask('?about=demo:deployment/web')).toMatchObject([
      { cause: { by: 'ann' }, job: 'sync-source.7', counts: { created: 2 } },
    ])
    expect(await ask('?about=team-a/podinfo')).toMatchObject([{ chart: 'podinfo 6.0.0', helmRevision: 3 }])
    expect(await ask('?about=nobody')).toEqual([])
  })
})

describe('the command line', () => {
  it('shows what happened, the newest last, and who deployed what', async () => {
    await history().tell([event('one'), event('two \u001b[31mred', { severity: 'error' })])
    await history().record(deployment())
    const cli = createCliBench({ url: await bench.app.listen({ host: '127.0.0.1', port: 0 }) })
    const { stdout, code } = await cli('events', '--source', 'default')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^TIME +SEVERITY +TYPE +ABOUT +MESSAGE\n.*info +sync +capstan-system\/default +one\n.*two �\[31mred\n$/,
    )
    expect((await cli('events', '--severity', 'error', '-o', 'json')).stdout).toContain('"events"')
    expect((await cli('events', '--since', '1h', '--type', 'lock')).stdout).toMatch(/^nothing happened/)
    const shown = await cli('history', 'demo:deployment/web')
    expect(shown.stdout).toMatch(
      /source capstan-system\/default +ann +main@111111111111 +done +2 created +sync-source\.7\n$/,
    )
    expect(await cli('history', 'nobody')).toMatchObject({ code: 4, stdout: 'nothing is known of nobody\n' })
    expect((await cli('events', '--since', 'soon')).code).toBe(64)
  })

  it('looks at page after page for what is rare', async () => {
    await history().tell([event('rare', { severity: 'error' })])
    await history().tell(Array.from({ length: 5_100 }, () => event('usual')))
    const { events, next } = await list('?severity=error')
    expect([events, next === '']).toEqual([[], false])
    const cli = createCliBench({ url: await bench.app.listen({ host: '127.0.0.1', port: 0 }) })
    expect((await cli('events', '--severity', 'error')).stdout).toMatch(/rare\n$/)
    expect((await cli('events', '--severity', 'error', '--source', 'nobody')).stdout).toMatch(/^nothing happened/)
  })

  it('follows until it is stopped, one JSON text a line', async () => {
    await history().tell([event('past')])
    const control = new AbortController()
    const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
    // what happens before the first look at the past counts as past
    await history().tell([event('no')])
    const cli = createCliBench({
      url,
      signal: control.signal,
      onOut: (text) => text.includes('yes') && control.abort(),
    })
    const following = cli('events', '--follow', '-o', 'json', '--severity', 'error')
    await history().tell([event('neither'), event('yes', { severity: 'error' })])
    const { stdout, code } = await following
    expect(code).toBe(130)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as Event).message),
    ).toEqual(['yes'])
  })

  it('goes on where it was when the connection breaks, and asks for nothing between events', async () => {
    const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
    const control = new AbortController()
    let seen = ''
    const cli = createCliBench({
      url,
      signal: control.signal,
      onOut: (text) => {
        seen += text
      },
    })
    const paths: string[] = []
    bench.app.server.on('request', ({ url: path = '' }: { url?: string }) => paths.push(path.replace(/\?.*/, '')))
    const streams = (): number => paths.filter((path) => path === '/api/v1/events/stream').length
    await history().tell([event('one')])
    const following = cli('events', '--follow')
    await until('it is followed', async () => streams() === 1 && seen.includes('one'))
    const { length } = paths
    await history().tell([event('two')])
    await until('it is told', async () => seen.includes('two'))
    expect(paths).toHaveLength(length)
    bench.app.server.closeAllConnections()
    await history().tell([event('three')])
    await until('it goes on', async () => seen.includes('three'))
    control.abort()
    expect((await following).code).toBe(130)
    expect(seen.match(/one|two|three/g)).toEqual(['one', 'two', 'three'])
    expect(streams()).toBe(2)
  })

  it('exports everything, oldest first, one JSON text a line', async () => {
    await history().tell([event('old'), ...Array.from({ length: 700 }, () => event('usual')), event('new')])
    const cli = createCliBench({ url: await bench.app.listen({ host: '127.0.0.1', port: 0 }) })
    const { code, stdout } = await cli('events', '--export')
    const told = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as Event).message)
    expect([code, told.length, told[0], told.at(-1)]).toEqual([0, 702, 'old', 'new'])
    expect((await cli('events', '--export', '--follow')).code).toBe(64)
  })

  it('says at once why it may not follow', async () => {
    const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
    const cli = createCliBench({ url, env: { CAPSTAN_TOKEN: 'wrong' } })
    expect((await cli('events', '--follow')).code).toBe(5)
  })
})
