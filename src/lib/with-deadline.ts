/**
 * Rejects with `late()` when `work` takes longer than `ms` of time in which this process was not itself blocked: an answer that lies
 * unread behind a busy event loop is no outage.
 */
export function withDeadline<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    let due = performance.now() + ms
    let timer = setTimeout(look, ms)
    function look(): void {
      const wasBlocked = performance.now() - due > 100
      // sockets are read between timers and immediates: what has come is taken
      if (!wasBlocked) return void setImmediate(() => reject(late()))
      due = performance.now() + ms
      timer = setTimeout(look, ms)
    }
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
