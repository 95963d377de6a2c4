import { Agent, request, type Server } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { AppOptions } from '../../src/api/app-options.ts'
import { readRegistryPush } from '../../src/domain/image/registry-push.ts'
import { readPushEvent } from '../../src/domain/source/push-event.ts'
import { createRandom, type Random } from '../chaos/random.ts'
import { createCliBench } from './cli-bench.ts'
import { payloads, proofs } from './forge-pushes.ts'
import { authorized, createWorkbench, goodStatus, spec, token, webhookSecret } from './workbench.ts'

async function listening(options: Partial<AppOptions> = {}) {
  const bench = createWorkbench({ app: options })
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => await bench.app.close())
  return { ...bench, url }
}

/** A webhook with a wrong signature: the status of its answer. */
function junk(url: string, agent: Agent, body: Buffer): Promise<number> {
  const headers = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}`, 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const call = request(`${url}/hooks/v1/default`, { method: 'POST', agent, headers })
    call.on('error', reject)
    call.on('response', (answer) => answer.resume().on('close', () => resolve(answer.statusCode ?? 0)))
    call.end(body)
  })
}

/** What is in use in this process after everything that nobody holds was given back. */
function liveBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}

/** A text of a forge with some of its bytes turned, left out, repeated or made up. */
function broken(text: string, random: Random): Buffer {
  const bytes = [...Buffer.from(text)]
  for (let times = random.between(1, 8); times > 0; times--) {
    const at = random.between(0, Math.max(0, bytes.length - 1))
    const what = random.between(0, 3)
    if (what === 0) bytes[at] = random.between(0, 255)
    else if (what === 1) bytes.splice(at, random.between(1, 40))
    else if (what === 2) bytes.splice(at, 0, ...bytes.slice(at, at + random.between(1, 40)))
    else bytes.splice(at, 0, ...Buffer.from(random.pick(['null', '{}', '[', '"', '1e999', '\\ud800', '__proto__'])))
  }
  return Buffer.from(bytes)
}

describe('webhooks of strangers (hazard L5)', () => {
  it('are kept nowhere: not the body, not the call', async () => {
    // a minute passes with each call, so that none is refused before its body was read
    let calls = 0
    const { queue, app, url } = await listening({ now: () => new Date(Date.now() + calls * 60_000) })
    const body = Buffer.alloc(256 * 1024, 'x')
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    const send = async (count: number): Promise<Set<number>> => {
      const statuses = new Set<number>()
      const ends = calls + count
      const sender = async (): Promise<void> => {
        while (calls++ < ends) statuses.add(await junk(url, agent, body))
      }
      await Promise.all(Array.from({ length: 8 }, sender))
      return statuses
    }
    // the first calls load what later ones have
    await send(100)
    const before = liveBytes()
    expect(await send(1_000)).toEqual(new Set([401]))
    // were it kept, all of it would be there, and more
    const quarter = (1_000 * body.length) / 4
    await until('what came was given back', async () => liveBytes() - before < quarter)
    expect([queue.requests, queue.jobs]).toEqual([[], []])
    agent.destroy()
    await until('the server has no connection left', async () => (await connections(app.server)) === 0)
  })

  it('are refused unread beyond 600 in a minute of an address', async () => {
    const now = new Date()
    const { url } = await listening({ now: () => now })
    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    const statuses: number[] = []
    for (let call = 0; call < 602; call++) statuses.push(await junk(url, agent, Buffer.from('x')))
    agent.destroy()
    expect(statuses.slice(0, 600).every((status) => status === 401)).toBe(true)
    expect(statuses.slice(600)).toEqual([429, 429])
  })

  it('hold up nobody else: a real call waits for a few of them, never for all', async () => {
    const { url } = await listening()
    const agent = new Agent({ keepAlive: true, maxSockets: 64 })
    let isOver = false
    let answered = 0
    const body = Buffer.alloc(1024, 'x')
    const flood = Array.from({ length: 64 }, async () => {
      while (!isOver) {
        await junk(url, agent, body)
        answered++
      }
    })
    await until('the flood runs', async () => answered > 1_000)
    const waitedFor: number[] = []
    for (let call = 0; call < 100; call++) {
      const before = answered
      expect((await fetch(`${url}/api/v1/version`, { headers: authorized })).status).toBe(200)
      waitedFor.push(answered - before)
    }
    isOver = true
    await Promise.all(flood)
    agent.destroy()
    // the flood went on meanwhile, and each of its 64 connections had its turn some times, however slow the machine is
    expect(waitedFor.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(100)
    expect(Math.max(...waitedFor)).toBeLessThan(64 * 50)
  })

  it('break nothing with what they send: 100,000 bodies', () => {
    const random = createRandom('bodies of webhooks', 1)
    const names = Object.keys(payloads) as (keyof typeof payloads)[]
    const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-gitlab-event': 'Push Hook' }
    for (let round = 0; round < 100_000; round++) {
      const bytes = broken(JSON.stringify(payloads[random.pick(names)]), random)
      readPushEvent(random.pick([headers, {}]), bytes)
      readRegistryPush(bytes)
    }
    expect(Object.keys(proofs).length).toBeGreaterThan(0)
  })
})

describe('what others wrote, on a terminal (hazard L8)', () => {
  it('moves, colours, hides and turns nothing: 200 sequences', async () => {
    const { url, putStatus, putFetch } = await listening()
    const random = createRandom('sequences', 1)
    const begins = [
      '\u001b[',
      '\u001b]',
      '\u001bP',
      '\u001b_',
      '\u009b',
      '\u009d',
      '\u0090',
      '\u001b(',
      '\u001b#',
      '\u202e',
      '\u2066',
      '\b',
      '\r',
      '\u0000',
      '\u200b',
      '\u007f',
    ]
    const sequence = () =>
      `${random.pick(begins)}${random.between(0, 255)};${random.pick(['2J', 'm', 'H', '0;title', '8;;http://x'])}${random.pick(['\u0007', '\u001b\\', '\u009c', ''])}`
    const message = Array.from({ length: 200 }, sequence).join('x')
    const failure = {
      id: 'a:deployment/b',
      file: 'a.yaml',
      line: 1,
      reason: 'ApplyRefused' as const,
      message,
      since: '',
    }
    putStatus({ ...goodStatus, ready: false, reason: 'ApplyRefused', message, failed: [failure], failedCount: 1 })
    await putFetch(goodStatus.revision.slice(-40))
    for (const argv of [['status'], ['status', '-o', 'json']]) {
      const { stdout, stderr } = await createCliBench({ url, env: { NO_COLOR: '1' } })(...argv)
      expect(stdout + stderr, argv.join(' ')).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}]/u)
      expect(stdout.length).toBeGreaterThan(100)
    }
  })
})

describe('answers (hazard K3)', () => {
  it('have no field that could hold a secret', async () => {
    const { app } = createWorkbench()
    const document = (await app.inject({ url: '/api/v1/openapi.json', headers: authorized })).json()
    const names = new Set<string>()
    const walk = (value: unknown): void => {
      if (value === null || typeof value !== 'object') return
      const { properties } = value as { properties?: object }
      if (properties && typeof properties === 'object') for (const name of Object.keys(properties)) names.add(name)
      for (const one of Object.values(value)) walk(one)
    }
    walk(document.components.schemas)
    expect(names.size).toBeGreaterThan(100)
    const suspicious = [...names].filter((name) =>
      /secret|password|token|credential|private|kubeconfig|authorization/i.test(name),
    )
    expect(suspicious).toEqual([])
  })

  it('show none of the secrets that are behind them', async () => {
    const bench = createWorkbench({ enable: ['sync', 'releases', 'images', 'updates'] })
    const canary = 'canary-5f1d7a'
    bench.objects.push(
      {
        apiVersion: 'helm.fluxcd.io/v1',
        kind: 'HelmRelease',
        metadata: { name: 'web', namespace: 'demo', generation: 1, annotations: { note: canary } },
        spec: {
          chart: { repository: `https://me:${canary}@charts.example`, name: 'web', version: '1' },
          values: { password: canary },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: 'sh.helm.release.v1.web.v1',
          namespace: 'demo',
          labels: { owner: 'helm', name: 'web', version: '1' },
        },
        data: { release: canary },
      },
    )
    bench.putStatus(goodStatus)
    const { jobId } = await bench.queue.enqueue({
      kind: 'sync-source',
      namespace: spec.namespace,
      name: spec.name,
      reason: 'x',
      lane: 'person',
    })
    const document = (await bench.app.inject({ url: '/api/v1/openapi.json', headers: authorized })).json()
    const paths = Object.entries(document.paths as Record<string, object>).filter(
      ([path, item]) => 'get' in item && !path.endsWith('/stream'),
    )
    for (const [pattern] of paths) {
      // whole objects are what it is for; who may only look is not let in
      if (pattern === '/api/v1/export') continue
      const inReleases = pattern.includes('/releases/')
      const path = pattern
        .replace('{namespace}', inReleases ? 'demo' : spec.namespace)
        .replace('{name}', inReleases ? 'web' : spec.name)
        .replace('{id}', encodeURIComponent(jobId))
      const query = pattern.endsWith('/explain') ? '?subject=release/demo/web' : ''
      const { body, headers } = await bench.app.inject({ url: `${path}${query}`, headers: authorized })
      const all = `${body}${JSON.stringify(headers)}`
      for (const secret of [canary, 'hunter2', token, webhookSecret])
        expect(all.includes(secret), `${path}: ${secret}`).toBe(false)
    }
    expect(paths.length).toBeGreaterThan(20)
  })
})
