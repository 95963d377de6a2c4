import { AppError } from '../../domain/error.ts'
import type { ParsedFile } from '../../domain/manifest/parsed-file.ts'
import { decodeParsed, encodeFiles, type RawFile, readyLine } from '../../domain/manifest/wire.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Run } from '../../lib/run.ts'
import { limitsFor } from './limits.ts'

export type ChildOptions = {
  run: Run
  /** How the parsing process is started: a Node, and its arguments. */
  entry: { command: string; args: readonly string[] }
  log: Logger
}

/** Characters of answers that are read at one go, so that the event loop turns meanwhile (hazard B13). */
const atOneGo = 256 * 1024

/**
 * Has one process parse these files and gives the answers that it came to: all of them, or those before the file that was its end.
 * Throws the signal's reason, MemoryShort, or InternalError when twice no process took the files.
 */
export async function askChild(
  files: readonly RawFile[],
  options: ChildOptions,
  signal: AbortSignal,
): Promise<ParsedFile[]> {
  const answers = (await attempt(files, options, signal)) ?? (await attempt(files, options, signal))
  if (answers) return answers
  throw new AppError('InternalError', 'The process that parses manifests does not come up; its end is in the log.')
}

/** Undefined when the process ended before it had read what it was given: then no file is to blame. */
async function attempt(
  files: readonly RawFile[],
  { run, entry, log }: ChildOptions,
  signal: AbortSignal,
): Promise<ParsedFile[] | undefined> {
  signal.throwIfAborted()
  const { heapMebibytes, dataBytes, cpuSeconds, timeoutMs, outputBytes } = limitsFor(files)
  const { stdout, stderr, ended, exitCode } = await run({
    command: entry.command,
    args: [`--max-old-space-size=${heapMebibytes}`, ...entry.args],
    env: {},
    cwd: '/',
    input: encodeFiles(files),
    timeoutMs,
    maxOutputBytes: outputBytes,
    limits: { dataBytes, cpuSeconds },
    signal,
  })
  signal.throwIfAborted()
  // no file is to blame
  if (ended === 'outOfMemory') throw new AppError('MemoryShort', stderr)
  const answers = await readAnswers(stdout)
  if (answers?.length !== files.length) {
    // never its standard error, in which a dying Node may quote what it was reading
    const answered = answers?.length ?? 0
    log.warn({ ended, exitCode, files: files.length, answered }, 'the process that parses manifests ended early')
  }
  return answers
}

/** The whole lines; undefined without the first one, which says that the input has arrived. */
async function readAnswers(stdout: string): Promise<ParsedFile[] | undefined> {
  if (!stdout.startsWith(`${readyLine}\n`)) return undefined
  const answers: ParsedFile[] = []
  let pausedAt = 0
  let start = readyLine.length + 1
  for (let end = stdout.indexOf('\n', start); end >= 0; end = stdout.indexOf('\n', start)) {
    const answer = decodeParsed(stdout.slice(start, end))
    if (!answer) break
    answers.push(answer)
    start = end + 1
    if (start - pausedAt < atOneGo) continue
    pausedAt = start
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return answers
}
