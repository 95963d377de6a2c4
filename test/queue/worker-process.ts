/*
 * One worker as a process of its own, for tests that kill or stop it: REDIS_URL PREFIX WORK_MS DEAD_AFTER_MS. Each run counts itself in
 * `<prefix>:running:<name>`; more than one at a time is written to `<prefix>:overlaps`, each start to `<prefix>:starts`.
 * An object named `poison…` ends the process.
 */
import { Redis } from 'ioredis'
import { createQueue, type Processor } from '../../src/adapters/queue/index.ts'
import { createRecorder } from './support.ts'

const [redisUrl = '', prefix = '', workMs = '0', deadAfterMs = '15000'] = process.argv.slice(2)
const client = new Redis(redisUrl)
client.on('error', () => {})

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    })
  })
}

const run: Processor = async ({ name }, { signal }) => {
  if (name.startsWith('poison')) {
    await client.rpush(`${prefix}:starts`, name)
    process.kill(process.pid, 'SIGKILL')
  }
  const key = `${prefix}:running:${name}`
  if ((await client.incr(key)) > 1) await client.rpush(`${prefix}:overlaps`, name)
  await client.rpush(`${prefix}:starts`, name)
  try {
    await wait(Number(workMs), signal)
  } finally {
    await client.decr(key)
  }
  return { end: 'done', summary: 'ok' }
}

const queue = createQueue({
  redisUrl,
  prefix,
  worker: `p${process.pid}`,
  log: createRecorder(),
  deadAfterMs: Number(deadAfterMs),
})
await queue.work({ 'sync-release': { run, slots: 4 } })
process.on('SIGTERM', () => void queue.close(200).then(() => process.exit(0)))
process.stdout.write('ready\n')
