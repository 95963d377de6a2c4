import { afterEach, expect, it } from 'vitest'
import type { Processor, Queue } from '../../src/adapters/queue/index.ts'
import type { Lane } from '../../src/domain/work/job.ts'
import { createQueueBox, freshPrefix, until } from './support.ts'

const box = createQueueBox()
afterEach(() => box.clean())

async function fill(queue: Queue, namespace: string, count: number, lane: Lane = 'periodic'): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `${namespace}${index}`)
  await Promise.all(
    names.map((name) => queue.enqueue({ kind: 'sync-release', namespace, name, reason: 'periodic', lane })),
  )
}

function createCounter(workMs: number) {
  const started: string[] = []
  const run: Processor = async ({ namespace }) => {
    started.push(namespace)
    await new Promise((resolve) => setTimeout(resolve, workMs))
    return { end: 'done', summary: '' }
  }
  return { started, run }
}

it('starts the one job of a namespace soon behind 5,000 jobs of another', async () => {
  const queue = box.open({ prefix: freshPrefix() })
  const names = Array.from({ length: 5000 }, (_, index) => `a${index}`)
  for (let i = 0; i < names.length; i += 500) {
    const part = names.slice(i, i + 500)
    await Promise.all(
      part.map((name) =>
        queue.enqueue({ kind: 'sync-release', namespace: 'a', name, reason: 'periodic', lane: 'periodic' }),
      ),
    )
  }
  const { started, run } = createCounter(100)
  await queue.work({ 'sync-release': { run, slots: 2 } })
  await until('work has begun', () => started.length > 4)
  await fill(queue, 'b', 1)
  const before = started.length
  await until('b starts', () => started.includes('b'))
  expect(started.indexOf('b') - before).toBeLessThan(50)
})

it('shares the slots between namespaces that came one after the other', async () => {
  const queue = box.open({ prefix: freshPrefix() })
  await fill(queue, 'a', 100)
  await fill(queue, 'b', 100)
  await fill(queue, 'c', 100)
  const { started, run } = createCounter(1)
  await queue.work({ 'sync-release': { run, slots: 1 } })
  await until('60 have started', () => started.length >= 60)
  const first = started.slice(0, 60)
  for (const namespace of ['a', 'b', 'c']) {
    const share = first.filter((each) => each === namespace).length
    expect(share).toBeGreaterThanOrEqual(18)
    expect(share).toBeLessThanOrEqual(22)
  }
})

it('keeps the lanes apart: all of an urgent lane before any of the next', async () => {
  const queue = box.open({ prefix: freshPrefix() })
  await fill(queue, 'p', 20)
  await fill(queue, 'c', 20, 'change')
  await fill(queue, 'w', 20, 'webhook')
  const { started, run } = createCounter(0)
  await queue.work({ 'sync-release': { run, slots: 1 } })
  await until('all have started', () => started.length === 60)
  expect(started.join('')).toBe('w'.repeat(20) + 'c'.repeat(20) + 'p'.repeat(20))
})

it('is fair between jobs that wait again and fresh ones of another namespace', async () => {
  const queue = box.open({ prefix: freshPrefix() })
  await fill(queue, 'a', 200)
  const started: string[] = []
  const run: Processor = async ({ namespace }) => {
    started.push(namespace)
    if (namespace === 'a') return { end: 'again', afterMs: 1, why: 'waits' }
    return { end: 'done', summary: '' }
  }
  await queue.work({ 'sync-release': { run, slots: 1 } })
  await until('all of a went round once', () => started.length > 250)
  await fill(queue, 'b', 1)
  const before = started.length
  await until('b starts', () => started.includes('b'))
  expect(started.indexOf('b') - before).toBeLessThan(200)
})

it('moves a lane down before it runs out of places, and keeps its order', async () => {
  const prefix = freshPrefix()
  const queue = box.open({ prefix })
  await fill(queue, 'a', 3)
  const client = box.client()
  const key = `${prefix}:sync-release:prioritized`
  for (const id of await client.zrange(key, '0', '-1')) {
    await client.zincrby(key, 80_000 * 2 ** 32, id)
    await client.hincrby(`${prefix}:sync-release:${id}`, 'priority', 80_000)
  }
  const before = await client.zrange(key, '0', '-1')
  await queue.schedule([])
  await until(
    'it is moved',
    async () => Number((await client.zrange(key, '0', '0', 'WITHSCORES'))[1]) < 401_000 * 2 ** 32,
  )
  expect(await client.zrange(key, '0', '-1')).toEqual(before)
  const { started, run } = createCounter(0)
  await queue.work({ 'sync-release': { run, slots: 1 } })
  await until('all have started', () => started.length === 3)
  client.disconnect()
})
