import { LRUCache } from 'lru-cache'
import { untilAborted } from '../../lib/until-aborted.ts'

/** What was asked of mirrors, kept as long as the mirror has not changed. */
export type Answers = {
  /**
   * The answer to a question about a mirror: the one of before where it still holds, else what `ask` says, asked once for all who want to
   * know at the same time. Nobody may change what is given. A failure is never kept.
   */
  of<T extends object | string>(
    mirror: string,
    question: readonly unknown[],
    ask: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>
  /** The mirror is another one from here on. */
  forget(mirror: string): void
}

/** Files, commits and the like of all answers together: some 15 MB. */
const mostEntries = 50_000

/** Many sources of one repository ask the same: a tree, a history, where a branch is. */
export function createAnswers(): Answers {
  const known = new LRUCache<string, object | string>({
    maxSize: mostEntries,
    sizeCalculation: (answer) => 1 + sizeOf(answer),
  })
  const running = new Map<string, Promise<object | string>>()

  async function askOnce(key: string, ask: () => Promise<object | string>): Promise<object | string> {
    const asked = running.get(key)
    if (asked) return await asked
    const answering = ask()
    running.set(key, answering)
    try {
      const answer = await answering
      // unless the mirror has changed meanwhile
      if (running.get(key) === answering) known.set(key, answer)
      return answer
    } finally {
      if (running.get(key) === answering) running.delete(key)
    }
  }

  return {
    async of<T extends object | string>(
      mirror: string,
      question: readonly unknown[],
      ask: () => Promise<T>,
      signal?: AbortSignal,
    ): Promise<T> {
      signal?.throwIfAborted()
      const key = `${mirror} ${JSON.stringify(question)}`
      return (known.get(key) ?? (await untilAborted(askOnce(key, ask), signal))) as T
    },
    forget(mirror) {
      for (const all of [known, running]) {
        const its = [...all.keys()].filter((key) => key.startsWith(`${mirror} `))
        for (const key of its) all.delete(key)
      }
    },
  }
}

function sizeOf(answer: object | string): number {
  if (Array.isArray(answer)) return answer.length
  return answer instanceof Map || answer instanceof Set ? answer.size : 0
}
