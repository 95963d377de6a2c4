import { createServer, connect, type Server, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { Processor } from '../../src/adapters/queue/index.ts'
import { stack } from '../stack/stack.ts'
import { createQueueBox, createRecorder, freshPrefix, until } from './support.ts'

/** Between us and Redis; `goSilent` leaves all connections open and passes nothing on any more, as a lost host does. */
async function createProxy(target: URL) {
  const pairs = new Set<[Socket, Socket]>()
  const server: Server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    pairs.add([near, far])
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `redis://127.0.0.1:${port}`,
    goSilent(): void {
      for (const [near, far] of pairs) {
        near.unpipe(far)
        far.unpipe(near)
        near.resume()
        far.resume()
      }
    },
    close(): void {
      for (const pair of pairs) for (const socket of pair) socket.destroy()
      server.close()
    },
  }
}

const box = createQueueBox()
const closers: (() => void)[] = []
afterEach(async () => {
  await box.clean()
  for (const close of closers.splice(0)) close()
})

it('works again by itself after its connections went silent without an end (hazard B4)', async () => {
  const proxy = await createProxy(new URL(stack().redisUrl))
  closers.push(() => proxy.close())
  const prefix = freshPrefix()
  const log = createRecorder()
  const queue = box.open({ prefix, redisUrl: proxy.url, log, answerMs: 900 })
  const started: string[] = []
  const run: Processor = async ({ name }) => {
    started.push(name)
    return { end: 'done', summary: 'ok' }
  }
  await queue.work({ 'sync-source': { run, slots: 1 } })
  const request = { kind: 'sync-source', namespace: 'a', reason: 'push', lane: 'webhook' } as const
  await until('a call is answered', () => queue.enqueue({ ...request, name: 'before' }))
  await until('it runs', () => started.includes('before'))

  proxy.goSilent()
  await expect(queue.enqueue({ ...request, name: 'lost' })).rejects.toMatchObject({ reason: 'RedisUnavailable' })
  await until('calls are answered again', () => queue.enqueue({ ...request, name: 'after' }))
  await until('the worker takes jobs again', () => started.includes('after'))
})
