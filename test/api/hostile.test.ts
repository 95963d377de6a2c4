import { Agent, request } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readRegistryPush } from '../../src/domain/image/registry-push.ts'
import { readPushEvent } from '../../src/domain/source/push-event.ts'
import { createRandom, type Random } from '../chaos/random.ts'
import { createCliBench } from './cli-bench.ts'
import { payloads, proofs } from './forge-pushes.ts'
import { authorized, createWorkbench, goodStatus, spec, token, webhookSecret } from './workbench.ts'

async function listening() {
  const bench = createWorkbench()
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => await bench.app.close())
  return { ...bench, url }
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
  it('hold up nobody else, and fill no memory', async () => {
    const { url } = await listening()
    const { port } = new URL(url)
    const agent = new Agent({ keepAlive: true, maxSockets: 64 })
    let isOver = false
    let sent = 0
    const junk = Buffer.alloc(1024, 'x')
    const flood = Array.from({ length: 64 }, async () => {
      while (!isOver) {
        await new Promise<void>((resolve) => {
          const headers = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}`, 'content-length': junk.length }
          const call = request({ host: '127.0.0.1', port, path: '/hooks/v1/default', method: 'POST', agent, headers })
          call.on('error', () => resolve())
          call.on('response', (answer) => answer.resume().on('close', resolve))
          call.end(junk)
        })
        sent++
      }
    })
    // the first calls load what later ones have
    for (let round = 0; round < 20; round++)
      await (await fetch(`${url}/api/v1/version`, { headers: authorized })).text()
    const before = process.memoryUsage().rss
    const times: number[] = []
    const ends = performance.now() + 5_000
    while (performance.now() < ends) {
      const began = performance.now()
      expect((await fetch(`${url}/api/v1/version`, { headers: authorized })).status).toBe(200)
      times.push(performance.now() - began)
    }
    isOver = true
    await Promise.all(flood)
    agent.destroy()
    expect(sent).toBeGreaterThan(1_000)
    expect(times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]).toBeLessThan(500)
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(100)
  }, 30_000)

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
  }, 60_000)
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
