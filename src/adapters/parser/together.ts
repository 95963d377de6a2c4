import pLimit from 'p-limit'
import type { ParsedFile } from '../../domain/manifest/parsed-file.ts'
import type { RawFile } from '../../domain/manifest/wire.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import { fitsOne } from './batches.ts'

export type Ask = (files: readonly RawFile[], signal: AbortSignal) => Promise<ParsedFile[]>

type Waiting = {
  files: readonly RawFile[]
  signal: AbortSignal
  resolve: (answers: ParsedFile[]) => void
  reject: (error: unknown) => void
  /** It was in a group that a file of it, or of another, was the end of. */
  isAlone: boolean
}

/**
 * Gives a process the small batches of several who wait for one: a process costs more than what most sources have to parse. Where it ends
 * early, who has no answer yet gets a process of his own, so that nobody's file costs others more than that time.
 * `once`: one process, with the answers up to the file that was its end; `surely`: as many as it takes.
 */
export function createTogether(workers: number, { once, surely }: { once: Ask; surely: Ask }): Ask {
  const limit = pLimit(workers)
  const queue: Waiting[] = []

  async function work(): Promise<void> {
    const group = takeGroup(queue)
    const [first] = group
    if (!first) return
    if (group.length > 1) return await parseGroup(group)
    await surely(first.files, first.signal).then(first.resolve, first.reject)
  }

  async function parseGroup(group: readonly Waiting[]): Promise<void> {
    const { signal, end } = whileWanted(group)
    const files = group.flatMap((one) => one.files)
    const answers = await once(files, signal)
      .catch(() => [])
      .finally(end)
    let at = 0
    for (const one of group) {
      const own = answers.slice(at, at + one.files.length)
      at += one.files.length
      if (own.length === one.files.length) one.resolve(own)
      else put({ ...one, isAlone: true })
    }
  }

  function put(waiting: Waiting): void {
    queue.push(waiting)
    void limit(work)
  }

  return async (files, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<ParsedFile[]>()
    put({ files, signal, resolve, reject, isAlone: false })
    return await untilAborted(promise, signal)
  }
}

/** The first who waits, and who comes after him as long as one process takes them all. Who does not wait any more is left out. */
function takeGroup(queue: Waiting[]): Waiting[] {
  const group: Waiting[] = []
  let files: RawFile[] = []
  for (let next = queue[0]; next; next = queue[0]) {
    if (!next.signal.aborted) {
      const all = [...files, ...next.files]
      if (group.length > 0 && (next.isAlone || group[0]?.isAlone || !fitsOne(all))) return group
      group.push(next)
      files = all
    }
    queue.shift()
  }
  return group
}

/** Aborts when the last of them does not want it any more. */
function whileWanted(group: readonly Waiting[]): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController()
  const look = (): void => {
    if (group.every(({ signal }) => signal.aborted)) controller.abort(group[0]?.signal.reason)
  }
  for (const { signal } of group) signal.addEventListener('abort', look, { once: true })
  return {
    signal: controller.signal,
    end: () => {
      for (const { signal } of group) signal.removeEventListener('abort', look)
    },
  }
}
