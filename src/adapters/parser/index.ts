import { maxFileBytes } from '../../domain/manifest/parse.ts'
import { parseFile } from '../../domain/manifest/parse-file.ts'
import type { ParsedFile, ParseFiles } from '../../domain/manifest/parsed-file.ts'
import type { RawFile } from '../../domain/manifest/wire.ts'
import { askChild, type ChildOptions } from './ask-child.ts'
import { planBatches } from './batches.ts'
import { limitsFor } from './limits.ts'
import { createTogether } from './together.ts'

export type ParserOptions = ChildOptions

/** Processes that parse at one time, whoever asks: each may take 0.6 GB and a processor of its own. */
const workers = 2

/**
 * Parses in processes that live for one batch, which several who ask at once may share, so that nothing of what a file does to a parser
 * is done to this one (hazard G1, W16). A process that dies or is killed, runs for too long or takes too much memory costs the file that it was at; that file is
 * tried once more by itself, because a process may also be ended for a reason that is not in the file.
 */
export function createParser(options: ParserOptions): ParseFiles {
  async function parseBatch(files: readonly RawFile[], signal: AbortSignal): Promise<ParsedFile[]> {
    const answers: ParsedFile[] = []
    while (answers.length < files.length) {
      answers.push(...(await askChild(files.slice(answers.length), options, signal)))
      const culprit = files[answers.length]
      if (culprit) answers.push((await askChild([culprit], options, signal))[0] ?? beyondLimits(culprit))
    }
    return answers
  }

  const together = createTogether(workers, {
    once: async (files, signal) => await askChild(files, options, signal),
    surely: parseBatch,
  })

  return async function parseFiles(files, signal) {
    signal.throwIfAborted()
    const given = files.filter(isReadable)
    const failed = new AbortController()
    const any = AbortSignal.any([signal, failed.signal])
    const tasks = planBatches(given, workers).map((batch) => together(batch, any))
    const parsed = await Promise.all(tasks).catch(async (error: unknown) => {
      failed.abort(error)
      await Promise.allSettled(tasks)
      throw error
    })
    const answers = parsed.flat().values()
    // one that is too large is refused for its length alone, which costs nothing here
    return files.map((file) => (isReadable(file) ? answers.next().value : undefined) ?? parseFile(file))
  }
}

function isReadable({ bytes }: RawFile): boolean {
  return bytes.length <= maxFileBytes
}

function beyondLimits(file: RawFile): ParsedFile {
  const { heapMebibytes, timeoutMs } = limitsFor([file])
  const limits = `${heapMebibytes} MB of memory, ${Math.round(timeoutMs / 1000)} seconds`
  const message = `the file could not be read within the limits (${limits}); make it smaller or simpler`
  return { objects: [], problems: [{ reason: 'InvalidYAML', file: file.path, line: 0, message }], warnings: [] }
}
