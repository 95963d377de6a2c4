import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../playground/stack/ports.ts'
import { listenAll } from '../../src/main/listen.ts'
import { authorized, createWorkbench, silent } from './workbench.ts'

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

/** The API on one listener, or on listeners of their own as in a pod; `/api/v1/identity` is answered after `answer`. */
async function serve(opensLoopback: boolean, isEnding = () => false) {
  const { promise: gate, resolve: answer } = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const identity = async () => {
    asked.resolve()
    await gate
    return { none: 'There is none.' }
  }
  const { app } = createWorkbench({ app: { identity, isEnding } })
  const port = await freePort()
  const served = await listenAll(app, { listen: { host: '127.0.0.1', port }, opensLoopback }, { log: silent })
  return { url: `http://127.0.0.1:${port}`, port, answer, asked: asked.promise, served }
}

describe.each([
  ['its own listener', false],
  ['the listeners of a pod', true],
])('an API on %s', (_what, opensLoopback) => {
  it('closes each connection with its answer once it ends, and answers', async () => {
    let isEnding = false
    const { url, served } = await serve(opensLoopback, () => isEnding)
    const connectionOf = async (path: string) => {
      const answer = await fetch(`${url}${path}`, { headers: authorized })
      return [answer.status, answer.headers.get('connection')]
    }
    expect(await connectionOf('/api/v1/version')).toEqual([200, 'keep-alive'])
    isEnding = true
    expect(await connectionOf('/api/v1/version')).toEqual([200, 'close'])
    expect(await connectionOf('/nothing')).toEqual([404, 'close'])
    await served.close()
  })

  it('takes no connection when it closes, and answers what was asked', async () => {
    const { url, answer, asked, served } = await serve(opensLoopback)
    const slow = fetch(`${url}/api/v1/identity`, { headers: authorized })
    await asked
    const closed = served.close()
    await sleep(200)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
    answer()
    expect((await slow).status).toBe(404)
    await closed
  })

  it('ends streams in order when it closes', async () => {
    const { url, served } = await serve(opensLoopback)
    const streams = await Promise.all(
      ['events', 'overview'].map((name) => fetch(`${url}/api/v1/${name}/stream`, { headers: authorized })),
    )
    const texts = Promise.all(streams.map((stream) => stream.text()))
    await served.close()
    expect((await texts).every((text) => text.startsWith('retry: '))).toBe(true)
  })

  it('does not wait for connections on which nothing is asked', async () => {
    const { port, served } = await serve(opensLoopback)
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    await once(socket, 'connect')
    const begun = performance.now()
    await served.close()
    expect(performance.now() - begun).toBeLessThan(5000)
  })
})
