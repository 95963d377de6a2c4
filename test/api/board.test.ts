import { request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createMetricsApp } from '../../src/api/app.ts'
import { createWorkbench } from './workbench.ts'

const apps: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
})

async function listen() {
  const bench = createWorkbench({
    app: {
      board: async (scope) => {
        scope.get('/', async () => 'the board')
        scope.get('/api/queues', async () => ({ queues: [] }))
      },
    },
  })
  apps.push(bench.app)
  const url = new URL(await bench.app.listen({ host: '127.0.0.1', port: 0 }))
  return { ...bench, port: Number(url.port) }
}

/** A raw request, so that the Host header can lie. */
function ask(port: number, path: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

describe('the queue board', () => {
  it.each(['/queues/', '/queues/api/queues'])('shows %s to this machine without a token', async (path) => {
    const { port } = await listen()
    expect(await ask(port, path)).toBe(200)
    expect(await ask(port, path, { host: `localhost:${port}` })).toBe(200)
    expect(await ask(port, path, { host: '[::1]:80' })).toBe(200)
  })

  it.each<[string, Record<string, string>]>([
    ['a page of another site whose name points here', { host: 'evil.example' }],
    ['a name that begins like this machine', { host: '127.0.0.1.evil.example' }],
    ['a proxy beside us', { 'x-forwarded-for': '10.0.0.1' }],
    ['a proxy that speaks the standard', { forwarded: 'for=10.0.0.1' }],
  ])('is closed for %s', async (_who, headers) => {
    const { port } = await listen()
    expect(await ask(port, '/queues/', headers)).toBe(403)
  })

  it('is closed where the socket is not from this machine', async () => {
    const { app } = createWorkbench({ app: { board: async (scope) => void scope.get('/', async () => 'x') } })
    const answer = await app.inject({ url: '/queues/', remoteAddress: '10.0.0.1', headers: { host: 'localhost' } })
    expect([answer.statusCode, answer.json().reason]).toEqual([403, 'LoopbackOnly'])
  })

  it('is not in the OpenAPI document, and opens nothing else', async () => {
    const { app, port } = await listen()
    expect(Object.keys(app.swagger().paths ?? {}).filter((path) => path.startsWith('/queues'))).toEqual([])
    expect(await ask(port, '/api/v1/status')).toBe(401)
    expect(await ask(port, '/queues/../api/v1/status')).toBe(401)
  })
})

describe('metrics on an address of their own', () => {
  it('serves nothing else', async () => {
    const app = createMetricsApp({ metrics: async () => ({ contentType: 'text/plain', text: 'x 1\n' }) })
    apps.push(app)
    expect((await app.inject('/metrics')).body).toBe('x 1\n')
    expect((await app.inject('/api/v1/status')).statusCode).toBe(404)
  })
})
