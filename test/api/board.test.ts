import { afterEach, describe, expect, it } from 'vitest'
import { createMetricsApp } from '../../src/api/app.ts'
import { authorized, createWorkbench } from './workbench.ts'

const apps: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
})

async function open() {
  const bench = createWorkbench({
    app: {
      board: async (scope) => {
        scope.get('/', async () => 'the board')
        scope.get('/api/queues', async () => ({ queues: [] }))
      },
    },
  })
  apps.push(bench.app)
  await bench.app.ready()
  return bench
}

describe('the queue board', () => {
  it.each(['/queues/', '/queues/api/queues'])('shows %s to who brings the token, and to nobody else', async (path) => {
    const { app } = await open()
    expect((await app.inject({ url: path, headers: authorized })).statusCode).toBe(200)
    expect((await app.inject(path)).statusCode).toBe(401)
    expect(
      (await app.inject({ url: path, remoteAddress: '127.0.0.1', headers: { host: 'localhost' } })).statusCode,
    ).toBe(401)
  })

  it('is not in the OpenAPI document, and opens nothing else', async () => {
    const { app } = await open()
    expect(Object.keys(app.swagger().paths ?? {}).filter((path) => path.startsWith('/queues'))).toEqual([])
    expect((await app.inject('/api/v1/status')).statusCode).toBe(401)
    expect((await app.inject('/queues/../api/v1/status')).statusCode).toBe(401)
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
