/** The wish to stop, as people and process managers utter it. */
export type StopWish = {
  /** Aborted at the first signal. */
  signal: AbortSignal
  /** Resolves at the first signal. */
  asked: Promise<void>
  /** The stop is through: no deadline any more. */
  done(): void
}

/** One Ctrl-C arrives up to three times: from the terminal, from npm and from the script that started us. */
const sameWishMs = 3_000
/** Under 10 s, after which process managers kill; a machine that is slow may be given longer. */
const deadlineMs = Number(process.env.CAPSTAN_STOP_WITHIN_MS) || 9_500

/**
 * Turns SIGINT, SIGTERM and SIGHUP into one wish. A later second one, or a stop that takes longer than 9.5 s, ends this
 * process at once; its exit hook then kills what still runs.
 */
export function stopOnSignal(): StopWish {
  const controller = new AbortController()
  let askedAt = 0
  let deadline: NodeJS.Timeout | undefined
  const asked = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (controller.signal.aborted) {
          if (performance.now() - askedAt > sameWishMs) process.exit(130)
          return
        }
        askedAt = performance.now()
        deadline = setTimeout(() => process.exit(1), deadlineMs)
        controller.abort(new Error('stopped'))
        resolve()
      })
    }
  })
  // The terminal may be gone before we are.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  return { signal: controller.signal, asked, done: () => clearTimeout(deadline) }
}
