import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { createQueueBoard } from '../../src/adapters/queue/index.ts'
import { createQueueBox, freshPrefix } from './support.ts'

const box = createQueueBox()
const apps: FastifyInstance[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
  await box.clean()
})

async function openBoard() {
  const queue = box.open({ prefix: freshPrefix() })
  const { jobId } = await queue.enqueue({
    kind: 'sync-source',
    namespace: 'a',
    name: 'one',
    reason: 'push',
    lane: 'webhook',
  })
  const app = fastify()
  apps.push(app)
  await app.register(createQueueBoard(queue), { prefix: '/queues' })
  return { app, queue, jobId }
}

describe('the queue board', () => {
  it('serves its page and what the page needs', async () => {
    const { app } = await openBoard()
    const page = await app.inject('/queues')
    expect(page.statusCode).toBe(200)
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.headers['content-security-policy']).toContain("default-src 'self'")
    expect(page.body).toContain('<base href="/queues/" />')
    const files = [...page.body.matchAll(/(?:src|href)="(static\/[^"]+\.(?:js|css))"/g)].map(([, file]) => file)
    expect(files.length).toBeGreaterThan(1)
    for (const file of files) expect((await app.inject(`/queues/${file}`)).statusCode).toBe(200)
  })

  it('shows the queues and a job', async () => {
    const { app, jobId } = await openBoard()
    const { queues } = (await app.inject('/queues/api/queues')).json<{
      queues: { name: string; readOnlyMode: boolean }[]
    }>()
    expect(queues.map(({ name }) => name)).toContain('sync-source')
    expect(queues.every(({ readOnlyMode }) => readOnlyMode)).toBe(true)
    const job = await app.inject(`/queues/api/queues/sync-source/${jobId}`)
    expect(job.json()).toMatchObject({ job: { id: jobId, data: { name: 'one' } } })
  })

  const changes: [method: 'PUT' | 'POST' | 'PATCH' | 'DELETE', path: string][] = [
    ['PUT', 'sync-source/empty'],
    ['PUT', 'sync-source/pause'],
    ['PUT', 'sync-source/obliterate'],
    ['PUT', 'sync-source/clean/wait'],
    ['PUT', 'sync-source/JOB/clean'],
    ['PUT', 'sync-source/JOB/promote'],
    ['PUT', 'sync-source/JOB/retry'],
    ['PATCH', 'sync-source/JOB/update-data'],
    ['POST', 'sync-source/add'],
    ['PUT', 'pause'],
    ['DELETE', 'sync-source'],
  ]
  it.each(changes)('lets nobody change anything: %s %s', async (method, path) => {
    const { app, queue, jobId } = await openBoard()
    const before = await queue.list({ limit: 100 })
    const answer = await app.inject({ method, url: `/queues/api/queues/${path.replace('JOB', jobId)}`, payload: {} })
    expect([404, 405]).toContain(answer.statusCode)
    expect(await queue.list({ limit: 100 })).toEqual(before)
  })
})
