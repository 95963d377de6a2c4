import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { freePort } from '../../playground/stack/ports.ts'

const module = fileURLToPath(new URL('../../playground/stack/ports.ts', import.meta.url))
const children: ChildProcessByStdio<Writable, Readable, null>[] = []

afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGKILL')
})

/** Another process that asks for a port, says which it got, and lives on without listening. */
async function ask(preferred: number) {
  const program = `import { freePort } from ${JSON.stringify(module)}
process.stdin.once('end', () => process.exit(0)).resume()
console.log(await freePort(${preferred}))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, port: Number(line.toString()) }
}

async function end(child: (typeof children)[number], how: 'SIGKILL' | 'end'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  if (how === 'end') child.stdin.end()
  else child.kill(how)
  await ended
}

it.each(['SIGKILL', 'end'] as const)('of two processes one gets the port, until it is gone (%s)', async (how) => {
  const wanted = 32_100 + Math.floor(Math.random() * 600)
  const [one, other] = await Promise.all([ask(wanted), ask(wanted)])
  expect([one.port, other.port].filter((port) => port === wanted)).toHaveLength(1)
  expect(await freePort(wanted)).not.toBe(wanted)
  await end(one.port === wanted ? one.child : other.child, how)
  expect((await ask(wanted)).port).toBe(wanted)
})

it('gives no port twice', async () => {
  const port = await freePort()
  expect(await freePort(port)).not.toBe(port)
})
