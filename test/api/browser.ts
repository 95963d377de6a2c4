import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A real Chromium with one page, over its DevTools protocol. */
export type Browser = {
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>
  stop(): Promise<void>
}

/** Starts the program and opens a page. */
export async function openBrowser(program: string, url: string): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'capstan-browser-'))
  const args = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
  ]
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const [, found] = /DevTools listening on (ws:\S+)/.exec(line) ?? []
      if (found !== undefined) resolve(found)
    })
    child.once('exit', () => reject(new Error('the browser has ended')))
  })
  const socket = new WebSocket(address)
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
  const waiting = new Map<number, (answer: Record<string, unknown>) => void>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown> }
    if (id !== undefined) waiting.get(id)?.(result ?? {})
  })
  let count = 0
  const send = (method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> => {
    const id = ++count
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>()
    waiting.set(id, resolve)
    socket.send(JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) }))
    return promise
  }
  const { targetId } = await send('Target.createTarget', { url })
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
  return {
    async evaluate(expression) {
      const { result } = await send('Runtime.evaluate', { expression, returnByValue: true }, String(sessionId))
      return (result as { value?: unknown } | undefined)?.value
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      socket.close()
      child.kill('SIGKILL')
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
