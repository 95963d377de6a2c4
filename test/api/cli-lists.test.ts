import { afterEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { until } from '../../playground/stack/until.ts'
import { createCliBench } from './cli-bench.ts'
import { commit, createWorkbench, goodStatus } from './workbench.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function start() {
  const bench = createWorkbench()
  bench.putStatus(goodStatus)
  await bench.putFetch(commit)
  const labels = { app: 'web' }
  const container = { name: 'app', image: 'example/web:1.0.0' }
  bench.objects.push({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'demo', annotations: { 'fluxcd.io/locked_msg': '\u001b[2J\u202e' } },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { spec: { containers: [container] } } },
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
  })
  const job = await bench.queue.enqueue({
    kind: 'sync-source',
    namespace: 'capstan-system',
    name: 'default',
    reason: 'evil \u001b[2J\u202e reason',
    lane: 'webhook',
  })
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  cleanUps.push(() => bench.app.close())
  return { ...bench, url, job: job.jobId, cli: createCliBench({ url }) }
}

/** Verbs that list, each with a name that it shows and a column that only the wide table has. */
const verbs = [
  { line: 'status', name: 'source/capstan-system/default', wide: 'FETCHED' },
  { line: 'sources', name: 'capstan-system/default', wide: 'FETCHED' },
  { line: 'releases', name: undefined, wide: undefined },
  { line: 'list-workloads', name: 'demo:deployment/web', wide: 'REPLICAS' },
  { line: 'workloads -n demo', name: 'demo:deployment/web', wide: 'REPLICAS' },
  { line: 'list-images', name: 'demo:deployment/web', wide: 'CREATED' },
  { line: 'queue ls', name: 'sync-source', wide: 'NEXT TRY' },
  { line: 'queue', name: 'scan-image', wide: 'resync' },
  { line: 'sink ls', name: undefined, wide: undefined },
  { line: 'events', name: undefined, wide: undefined },
  { line: 'history', name: undefined, wide: undefined },
]

describe.each(verbs)('capstan $line', ({ line, name, wide }) => {
  const words = line.split(' ')

  it('is the same for scripts as JSON and as YAML, and one name a line', async () => {
    const { cli } = await start()
    const json = await cli(...words, '-o', 'json')
    expect([json.code, json.stderr]).toEqual([0, ''])
    const yaml = await cli(...words, '-o', 'yaml')
    const steady = (value: unknown) => JSON.stringify(value).replaceAll(/"\d{4}-[^"]*Z"/g, '"<time>"')
    expect(steady(parse(yaml.stdout))).toBe(steady(JSON.parse(json.stdout)))
    const names = (await cli(...words, '-o', 'name')).stdout
    expect(names).toMatch(name === undefined ? /^$/ : new RegExp(`^${name}`, 'm'))
  })

  it('shows more when it is wide, and nothing that moves a terminal', async () => {
    const { cli } = await start()
    const [table, more] = [await cli(...words), await cli(...words, '-o', 'wide')]
    if (wide) expect(more.stdout).toContain(wide)
    expect(more.stdout.length).toBeGreaterThanOrEqual(table.stdout.length)
    for (const format of ['table', 'wide', 'json', 'yaml', 'name'])
      expect((await cli(...words, '-o', format)).stdout).not.toMatch(/\p{Cf}|[^\P{Cc}\n]/u)
  })
})

describe('--watch', () => {
  it('prints again what changed, as soon as something happened, until Ctrl-C', async () => {
    const { url, putStatus } = await start()
    const stop = new AbortController()
    let printed = ''
    const watching = createCliBench({ url, signal: stop.signal, onOut: (text) => (printed += text) })(
      'sources',
      '--watch',
    )
    await until('the first table', async () => printed.includes('3 objects applied'))
    putStatus({ ...goodStatus, ready: false, reason: 'ApplyRefused', message: '1 of 3 objects failed' })
    await until('the second table', async () => printed.includes('1 of 3 objects failed'))
    stop.abort(new Error('interrupted'))
    expect(await watching).toMatchObject({ code: 130, stderr: '' })
    // what stays is not printed again
    expect(printed.match(/SOURCE/g)).toHaveLength(2)
    expect(printed).not.toContain('\u001b')
  })

  it('draws a terminal anew, and waits for a server that is gone', async () => {
    const { url, app } = await start()
    const stop = new AbortController()
    let [printed, told] = ['', '']
    const onOut = (text: string) => (printed += text)
    const bench = createCliBench({ url, isTTY: true, signal: stop.signal, onOut, onErr: (text) => (told += text) })
    const watching = bench('queue', 'ls', '--watch')
    await until('the first table', async () => printed.startsWith('\u001b[H\u001b[2JJOB'))
    await app.close()
    cleanUps.length = 0
    await until('it is told', async () => told !== '')
    stop.abort(new Error('interrupted'))
    const { code, stderr } = await watching
    expect(code).toBe(130)
    expect(stderr).toMatch(/Capstan is not reached at .*Waiting for it\.\n$/)
  })
})

describe('capstan logs', () => {
  const lines = [
    '2026-11-21T10:00:00.000Z begun, try 1: evil \u001b[2J',
    '2026-11-21T10:00:01.000Z error no such field',
  ]

  it('prints what a job wrote, safely, and as JSON', async () => {
    const { cli, queue, job } = await start()
    queue.logs.set(job, lines)
    const { code, stdout } = await cli('logs', job)
    expect([code, stdout]).toEqual([0, `${lines.join('\n').replace('\u001b', '\ufffd')}\n`])
    const json = (await cli('logs', job, '-o', 'json')).stdout.trim().split('\n')
    expect(json.map((line) => JSON.parse(line) as unknown)[1]).toEqual({
      at: '2026-11-21T10:00:01.000Z',
      text: 'error no such field',
    })
    expect((await cli('logs', 'sync-source.none')).code).toBe(4)
  })

  it('follows a job to its end, and exits 1 when it failed', async () => {
    const { url, queue, job, endJob } = await start()
    queue.logs.set(job, lines.slice(0, 1))
    let printed = ''
    const following = createCliBench({ url, onOut: (text) => (printed += text) })('logs', job, '--follow')
    await until('the first line', async () => printed.includes('begun'))
    queue.logs.set(job, lines)
    await until('the second line', async () => printed.includes('no such field'))
    endJob(job, { state: 'failed', failure: 'ApplyRefused: no such field' })
    expect(await following).toMatchObject({ code: 1, stderr: 'failed after 0.0s, try 1\n' })
  })
})

describe('capstan queue', () => {
  it('pauses and resumes kinds, which the overview shows', async () => {
    const { cli, queue } = await start()
    expect(await cli('queue', 'pause', 'scan-image', 'resync')).toMatchObject({
      code: 0,
      stdout: 'scan-image paused; what runs goes on\nresync paused; what runs goes on\n',
    })
    expect(await queue.paused()).toEqual(['scan-image', 'resync'])
    const { stdout } = await cli('queue')
    expect(stdout).toMatch(/^scan-image +0 +0 +0 +0 +0 +paused$/m)
    expect(stdout).toMatch(/^sync-source +0 +1 +0 +0 +0 +taken$/m)
    expect(stdout).toMatch(/^webhook +1$/m)
    expect((await cli('queue', 'resume', 'scan-image')).stdout).toBe('scan-image resumed\n')
    expect(await queue.paused()).toEqual(['resync'])
    expect((await cli('queue', 'pause', 'nonsense')).code).toBe(64)
  })
})
