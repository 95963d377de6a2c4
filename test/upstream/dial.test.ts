import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket as NetSocket } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createDial, createEgress } from '../../src/adapters/egress/index.ts'
import { keepUpstream, type UpstreamParts } from '../../src/api/flux/upstream.ts'
import { type Dial, Gone, type Socket } from '../../src/lib/socket.ts'
import { silent } from '../api/workbench.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** A server that opens WebSockets and then does with the bare socket what the test wants. */
async function serve(onOpen: (socket: NetSocket) => void, status = 0): Promise<string> {
  const sockets = new Set<NetSocket>()
  const server: Server = createServer((_request, response) => response.writeHead(status || 400).end())
  server.on('connection', (socket) => sockets.add(socket))
  server.on('upgrade', (request, socket) => {
    if (status) return void socket.end(`HTTP/1.1 ${status} No\r\nconnection: close\r\n\r\n`)
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    )
    onOpen(socket as NetSocket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function openDial(options: Parameters<typeof createDial>[1] = {}) {
  const egress = createEgress(options)
  const dial = createDial(egress, options)
  cleanUps.push(async () => {
    await dial.close()
    await egress.close()
  })
  return dial
}

const signal = new AbortController().signal
const headers = {}

/** A frame of a server: bytes, not masked. */
const frame = (text: string, opcode = 2): Buffer =>
  Buffer.concat([Buffer.from([0x80 | opcode, text.length]), Buffer.from(text)])

describe('a WebSocket to a URL that an operator gave', () => {
  it('gives what comes in bytes, whole signs also where they came in two parts, and no text', async () => {
    const url = await serve((socket) => {
      const [first, second] = [Buffer.from('ü').subarray(0, 1), Buffer.from('ü').subarray(1)]
      socket.write(frame('text', 1))
      for (const part of [Buffer.from('a'), first, second])
        socket.write(Buffer.concat([Buffer.from([0x82, part.length]), part]))
      socket.end(Buffer.from([0x88, 0]))
    })
    const socket = await openDial()({ url, headers, signal })
    let text = ''
    for await (const message of socket.messages) text += message
    expect(text).toBe('aü')
  })

  it('gives up one that has gone silent', async () => {
    const url = await serve(() => {})
    const socket = await openDial({ pingEveryMs: 20, silentMs: 100 })({ url, headers, signal })
    const seen: string[] = []
    for await (const message of socket.messages) seen.push(message)
    expect(seen).toEqual([])
  })

  it('keeps one that answers its pings', async () => {
    let pings = 0
    // by the pings alone, so that an answer that is late on a slow machine is no silence
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => pings * 20)
    onTestFinished(() => clock.mockRestore())
    const url = await serve((socket) => {
      socket.on('data', (bytes) => {
        // a ping, masked, without text: 0x89 0x80 and four bytes
        if (bytes[0] !== 0x89) return
        socket.write(Buffer.from([0x8a, 0]))
        // so many pings last longer than the silence that ends a socket
        if (++pings === 300) socket.write(frame('still here'))
      })
    })
    const socket = await openDial({ pingEveryMs: 1, silentMs: 5_000 })({ url, headers, signal })
    for await (const message of socket.messages) {
      expect(message).toBe('still here')
      break
    }
    // more of them may be on their way when it is read
    expect(pings).toBeGreaterThanOrEqual(300)
    socket.close()
  })

  it.each([
    ['a metadata service', 'ws://169.254.169.254/', {}],
    ['loopback, for tenants', 'ws://127.0.0.1:9/', { allowPrivate: false }],
    ['a name of loopback, for tenants', 'wss://localhost:9/', { allowPrivate: false }],
  ])('does not go to %s', async (_what, url, options) => {
    await expect(openDial(options)({ url, headers, signal })).rejects.toThrow(/not allowed/)
  })

  it('says why it was not opened', async () => {
    const dial = openDial()
    await expect(dial({ url: await serve(() => {}, 503), headers, signal })).rejects.toThrow('HTTP 503')
    await expect(dial({ url: await serve(() => {}, 410), headers, signal })).rejects.toBeInstanceOf(Gone)
    await expect(dial({ url: 'ws://127.0.0.1:1/', headers, signal })).rejects.toThrow('ECONNREFUSED')
  })
})

describe('the connection to the service of --connect', () => {
  function start(dial: Dial) {
    const stop = new AbortController()
    const pauses: number[] = []
    const told: unknown[] = []
    const parts: UpstreamParts = {
      url: 'https://service.example/',
      token: 't',
      version: '1.2.3',
      dial,
      answer: async (line) => (line === 'slow' ? undefined : `${line}!\n`),
      log: silent,
      random: () => 0.5,
      connected: (isConnected) => told.push(isConnected),
      gone: (why) => told.push(why),
      pause: async (ms) => {
        pauses.push(ms)
        if (pauses.length >= 6) stop.abort()
      },
    }
    return { done: keepUpstream(parts, stop.signal), pauses, told }
  }

  it('is tried again after 5 s, then less and less often, and after one that held at once soon again', async () => {
    let tries = 0
    const closed: Socket = { send() {}, messages: (async function* () {})(), close() {} }
    const { done, pauses, told } = start(async () => {
      if (++tries === 4) return closed
      throw new Error('no')
    })
    await done
    expect(pauses).toEqual([5000, 10_000, 20_000, 5000, 10_000, 20_000])
    expect(told).toEqual([true, false])
  })

  it('is not tried again when the service is gone', async () => {
    const { done, pauses, told } = start(async () => {
      throw new Gone('HTTP 410')
    })
    await done
    expect([pauses, told]).toEqual([[], [expect.stringContaining('take the flag away')]])
  })

  it('answers requests however they are cut', async () => {
    const sent: string[] = []
    const messages = (async function* () {
      yield 'one\ntw'
      yield 'o\n'
      yield 'slow\nunended'
    })()
    let isFirst = true
    const { done } = start(async () => {
      if (!isFirst) throw new Error('no')
      isFirst = false
      return { send: (text) => sent.push(text), messages, close() {} }
    })
    await done
    expect(sent).toEqual(['one!\n', 'two!\n'])
  })
})
