import type { Context } from './context.ts'

/** Rings when something happened at the server, or after a while. */
export type Bell = {
  /** Resolves when it has rung since the last time, at the latest after that many milliseconds: `quietMs` while the server tells what happens, `blindMs` while it does not. */
  next(wait: { quietMs: number; blindMs: number }): Promise<void>
  /** Nobody listens any more. */
  close(): void
}

/** Opens a stream of what happens; `opened` is told that it began. */
export type OpenStream = (options: { signal: AbortSignal; opened: () => void }) => AsyncIterable<unknown>

/** So long after a stream ended it is opened again. */
const againMs = 2000

/** Follows a stream of the server, if any, and opens it again when it ends: a server without it, or one that starts again, is no failure here. */
export function createBell({ signal: stopped, pause }: Context, open: OpenStream | undefined): Bell {
  const closing = new AbortController()
  const signal = AbortSignal.any([stopped, closing.signal])
  let isOpen = false
  let hasRung = false
  let ring = (): void => {}

  async function listen(open: OpenStream): Promise<void> {
    const opened = (): void => {
      isOpen = true
    }
    try {
      for await (const _what of open({ signal, opened })) {
        hasRung = true
        ring()
      }
    } catch {
      // the answers to what is asked say it better
    }
    isOpen = false
    // its end may be what was waited for
    hasRung = true
    ring()
  }

  async function follow(open: OpenStream): Promise<void> {
    while (!signal.aborted) {
      await listen(open)
      await pause(againMs, signal)
    }
  }

  if (open) void follow(open).catch(() => {})
  return {
    async next({ quietMs, blindMs }) {
      const rung = new Promise<void>((resolve) => {
        ring = resolve
      })
      const over = new AbortController()
      const late = pause(isOpen ? quietMs : blindMs, AbortSignal.any([signal, over.signal]))
      try {
        if (!hasRung) await Promise.race([rung, late])
      } finally {
        over.abort()
        await late.catch(() => {})
      }
      stopped.throwIfAborted()
      hasRung = false
    },
    close: () => closing.abort(),
  }
}
