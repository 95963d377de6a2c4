import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { on } from 'node:events'
import { Agent, ping, WebSocket } from 'undici'
import type { Egress } from '../../lib/egress.ts'
import { type Dial, Gone, type Socket } from '../../lib/socket.ts'
import { createGuard, type GuardOptions } from './guard.ts'

const connectTimeoutMs = 10_000
/** As fluxd: below the 30 s after which the other side and we give a silent connection up (flux-v1 §22). */
const pingEveryMs = 13_000
const silentMs = 30_000
const pongs = 'undici:websocket:pong'

/** WebSockets under the rules of all requests to URLs that people give; `egress` says why one could not be opened. */
export function createDial(
  egress: Egress,
  options: GuardOptions & { pingEveryMs?: number; silentMs?: number } = {},
): Dial & { close(): Promise<void> } {
  const guard = createGuard(options)
  const agent = new Agent({ connect: { timeout: connectTimeoutMs, lookup: guard.lookup }, allowH2: false })
  const beat = { pingEveryMs, silentMs, ...options }

  const dial: Dial = async ({ url, headers, signal }) => {
    const asked = new URL(url.replace(/^ws/, 'http'))
    guard.check(asked)
    signal.throwIfAborted()
    const socket = new WebSocket(asked, { dispatcher: agent, headers: { ...headers } })
    socket.binaryType = 'arraybuffer'
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    socket.addEventListener('open', () => resolve(), { once: true })
    socket.addEventListener('error', () => reject(new Error('it was not opened')), { once: true })
    const opening = AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs * 2)])
    opening.addEventListener('abort', () => reject(new Error('it was not opened in time')), { once: true })
    try {
      await promise
    } catch (error) {
      socket.close()
      signal.throwIfAborted()
      throw await reasonOf(egress, { url: asked.href, headers, signal }, error)
    }
    return open(socket, signal, beat)
  }
  return Object.assign(dial, { close: async () => await agent.close() })
}

/** A WebSocket does not tell the status by which it was refused, so that is asked for by a plain request. */
async function reasonOf(
  egress: Egress,
  request: { url: string; headers: Readonly<Record<string, string>>; signal: AbortSignal },
  error: unknown,
): Promise<Error> {
  try {
    const { status } = await egress({ ...request, maxBytes: 1024 * 1024, timeoutMs: connectTimeoutMs })
    if (status === 410) return new Gone('HTTP 410')
    return new Error(`no WebSocket was opened; a plain request is answered with HTTP ${status}`, { cause: error })
  } catch (why) {
    const { cause, message } = why as Error
    const { code } = (cause ?? why) as { code?: string }
    return new Error(code ?? message, { cause: why })
  }
}

function open(socket: WebSocket, signal: AbortSignal, beat: { pingEveryMs: number; silentMs: number }): Socket {
  const ended = new AbortController()
  let heardAt = performance.now()
  const hear = (): void => {
    heardAt = performance.now()
  }
  const onPong = (message: unknown): void => {
    if ((message as { websocket?: unknown }).websocket === socket) hear()
  }
  const timer = setInterval(() => {
    if (performance.now() - heardAt > beat.silentMs) ended.abort()
    else ping(socket)
  }, beat.pingEveryMs)
  const close = (): void => socket.close()
  subscribe(pongs, onPong)
  socket.addEventListener('close', () => ended.abort(), { once: true })
  socket.addEventListener('message', hear)
  signal.addEventListener('abort', close, { once: true })
  ended.signal.addEventListener(
    'abort',
    () => {
      clearInterval(timer)
      unsubscribe(pongs, onPong)
      signal.removeEventListener('abort', close)
      socket.close()
    },
    { once: true },
  )
  const events = on(socket, 'message', { signal: ended.signal }) as AsyncIterable<[{ data: unknown }]>
  return { send: (message) => socket.send(new TextEncoder().encode(message)), messages: textsOf(events), close }
}

/** Only bytes count, as for fluxd. */
async function* textsOf(events: AsyncIterable<[{ data: unknown }]>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  try {
    for await (const [{ data }] of events) if (data instanceof ArrayBuffer) yield decoder.decode(data, { stream: true })
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error
  }
}
