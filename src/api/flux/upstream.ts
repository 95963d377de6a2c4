import type { Dial } from '../../lib/socket.ts'
import { Gone } from '../../lib/socket.ts'
import type { Logger } from '../../lib/logger.ts'
import type { AnswerRpc } from './rpc.ts'

export type UpstreamParts = {
  /** As `--connect` has it. */
  url: string
  token: string
  version: string
  dial: Dial
  answer: AnswerRpc
  log: Logger
  /** Rejects when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
  random: () => number
  /** Told when a connection begins, and when it ends. */
  connected: (isConnected: boolean) => void
  /** The service says that this daemon shall not come again: fluxd ended then. */
  gone: (why: string) => void
}

/** As fluxd; a service that stays away is asked less often. */
const firstPauseMs = 5000
const longestPauseMs = 60_000
/** A request that goes on and on is none. */
const mostLetters = 16 * 1024 * 1024

/** Keeps a connection to the service of `--connect`, over which it calls us (flux-v1 §22), until the signal aborts. Never throws. */
export async function keepUpstream(parts: UpstreamParts, signal: AbortSignal): Promise<void> {
  const { log, pause, random } = parts
  let pauseMs = firstPauseMs
  let said = ''
  while (!signal.aborted) {
    try {
      await serveOnce(parts, signal, () => {
        pauseMs = firstPauseMs
        said = ''
      })
    } catch (error) {
      if (signal.aborted) return
      const { message } = error as Error
      if (error instanceof Gone) {
        parts.gone(`the service of --connect says that it is gone (${message}); take the flag away`)
        return
      }
      if (message !== said) log.warn({}, `the service of --connect is not reached: ${message}`)
      said = message
    }
    await pause(pauseMs * (0.8 + 0.4 * random()), signal).catch(() => undefined)
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  }
}

async function serveOnce(parts: UpstreamParts, signal: AbortSignal, onOpen: () => void): Promise<void> {
  const { token, version, dial, answer, log } = parts
  const headers = {
    'user-agent': `fluxd/${version}`,
    ...(token === '' ? {} : { authorization: `Scope-Probe token=${token}` }),
  }
  const socket = await dial({ url: `${parts.url.replace(/\/+$/, '')}/v11/daemon`, headers, signal })
  onOpen()
  parts.connected(true)
  log.info({}, 'connected to the service of --connect')
  const send = async (line: string): Promise<void> => {
    const text = await answer(line)
    if (text !== undefined) socket.send(text)
  }
  try {
    let rest = ''
    for await (const message of socket.messages) {
      const lines = (rest + message).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > mostLetters) throw new Error('a request is too long')
      // each on its own, as net/rpc does: a slow one holds no other
      for (const line of lines)
        send(line).catch((error: unknown) => log.debug({ error: (error as Error).message }, 'an answer was not sent'))
    }
  } finally {
    parts.connected(false)
    socket.close()
    log.info({}, 'disconnected from the service of --connect')
  }
}
