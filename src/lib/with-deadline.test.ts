import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { withDeadline } from './with-deadline.ts'

const late = () => new Error('late')

function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

it('gives what comes in time, value or failure', async () => {
  await expect(withDeadline(Promise.resolve(1), 10_000, late)).resolves.toBe(1)
  await expect(withDeadline(Promise.reject(new Error('no')), 10_000, late)).rejects.toThrow('no')
})

it('gives up what never comes', async () => {
  await expect(withDeadline(new Promise(() => {}), 10, late)).rejects.toThrow('late')
})

it('does not count the time in which this process did nothing', async () => {
  const work = withDeadline(
    sleep(20).then(() => 'there'),
    10,
    late,
  )
  block(300)
  await expect(work).resolves.toBe('there')
})

it('takes what has come and was not read yet', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[near]] = (await Promise.all([once(server, 'connection'), once(far, 'connect')])) as [[Socket], unknown]
  const work = withDeadline(
    once(far, 'data').then(() => 'there'),
    20,
    late,
  )
  near.write('x')
  block(60)
  await expect(work).resolves.toBe('there')
  near.destroy()
  far.destroy()
  server.close()
})
