/** Runs tasks of the same name one after the other, in the order asked. */
export function createLock(): <T>(name: string, task: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>()
  return async (name, task) => {
    const before = tails.get(name)
    const running = (async () => {
      await before
      return task()
    })()
    const tail = running.catch(() => undefined)
    tails.set(name, tail)
    try {
      return await running
    } finally {
      if (tails.get(name) === tail) tails.delete(name)
    }
  }
}
