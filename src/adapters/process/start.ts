import { basename } from 'node:path'
import { Duplex } from 'node:stream'
import { execa, type Options } from 'execa'
import type { RunLimits, RunRequest, RunResult } from '../../lib/run.ts'
import { collect } from './collect.ts'
import { answerFilter } from './filter.ts'
import type { LimitedChildren } from './limited-children.ts'
import { keepTail, type Tail } from './tail.ts'

const defaultKillAfterMs = 5_000
const defaultOutputBytes = 10 * 1024 * 1024
/** What a timer can count: 24 days. */
const longestTimerMs = 2 ** 31 - 1
const stderrBytes = 64 * 1024

type Ending = { timedOut: boolean; isCanceled: boolean; signal?: string }

/** Runs a file that exists and waits until it and all of its process group are gone. */
export async function start(
  file: string,
  request: RunRequest,
  options: { redact: (text: string) => string; setpriv?: string; prlimit?: string; limited?: LimitedChildren },
): Promise<RunResult> {
  const startedAt = performance.now()
  const [command, args] = guarded([file, ...request.args], request.limits, options)
  const child = execa(command, args, settingsOf(request))
  const channel: unknown = child.stdio[3]
  if (request.filter && channel instanceof Duplex)
    answerFilter(channel, request.filter, request.maxOutputBytes ?? defaultOutputBytes)
  let shortage: string | undefined
  const { pid } = child
  const end = (why: string): void => {
    shortage = why
    killGroup(pid)
  }
  const isLimited = request.limits !== undefined && pid !== undefined
  const forget = isLimited ? options.limited?.add({ command: basename(request.command), pid, end }) : undefined
  let isTooMuch = false
  const stdout = collect(request.maxOutputBytes ?? defaultOutputBytes, () => {
    // What a process says while it is ending already is no reason of its own.
    isTooMuch = request.signal?.aborted !== true && performance.now() - startedAt < request.timeoutMs
    child.kill()
  })
  child.stdout.on('data', (chunk: Uint8Array) => stdout.add(chunk))
  // Too much of this must not end the process, only be cut.
  const stderr = keepTail(stderrBytes * 2)
  child.stderr.on('data', (chunk: Uint8Array) => stderr.add(chunk))
  const result = await child
  forget?.()
  killGroup(pid)
  const durationMs = Math.round(performance.now() - startedAt)
  const failure = pid === undefined ? (result.originalMessage ?? result.code ?? 'could not be started') : ''
  return {
    exitCode: result.exitCode,
    ...(request.isBinary
      ? { stdout: '', bytes: stdout.bytes() }
      : { stdout: new TextDecoder().decode(stdout.bytes()) }),
    stderr: shortage ?? readable(stderr, failure, options.redact),
    ended: shortage === undefined ? endingOf(result, isTooMuch) : 'outOfMemory',
    durationMs,
  }
}

function settingsOf(request: RunRequest) {
  return {
    env: request.env,
    extendEnv: false,
    shell: false,
    preferLocal: false,
    ...(request.cwd ? { cwd: request.cwd } : {}),
    stdio: [
      request.input === undefined ? 'ignore' : 'pipe',
      'pipe',
      'pipe',
      ...(request.filter ? (['pipe'] as const) : []),
    ],
    ...(request.input === undefined ? {} : { input: request.input }),
    encoding: 'buffer',
    // Collected below: execa would put all of it into an error message, line by line, which holds the event loop for seconds.
    buffer: false,
    stripFinalNewline: false,
    timeout: Math.min(Math.max(1, Math.ceil(request.timeoutMs)), longestTimerMs),
    killSignal: 'SIGTERM',
    forceKillAfterDelay: request.killAfterMs ?? defaultKillAfterMs,
    killDescendants: true,
    ...(request.signal ? { cancelSignal: request.signal } : {}),
    reject: false,
  } as const satisfies Options
}

/** A process that the child left behind would write on after we said that it ended. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // ESRCH: nobody is left, the usual case.
  }
}

/** Each tool replaces itself with what comes behind it, so that the process keeps its id. */
function guarded(
  program: readonly [file: string, ...args: string[]],
  limits: RunLimits | undefined,
  { setpriv, prlimit }: { setpriv?: string; prlimit?: string },
): [command: string, args: readonly string[]] {
  const [command, ...args] = [
    ...(setpriv ? [setpriv, '--pdeathsig', 'TERM', '--'] : []),
    ...(prlimit && limits
      ? [prlimit, `--data=${Math.ceil(limits.dataBytes)}`, `--cpu=${Math.ceil(limits.cpuSeconds)}`, '--core=0', '--']
      : []),
    ...program,
  ]
  return [command ?? program[0], args]
}

function endingOf(result: Ending, isTooMuch: boolean): RunResult['ended'] {
  if (isTooMuch) return 'tooMuchOutput'
  if (result.timedOut) return 'timeout'
  if (result.isCanceled) return 'aborted'
  if (result.signal !== undefined) return 'killed'
  return 'exit'
}

/** Redacted before it is cut: half a secret at the edge would not be recognised. */
function readable(tail: Tail, failure: string, redact: (text: string) => string): string {
  const text = redact(failure || tail.text())
  const bytes = Buffer.from(text)
  if (bytes.length <= stderrBytes && !tail.isCut()) return text
  return `[cut]\n${bytes.subarray(Math.max(0, bytes.length - stderrBytes + 6)).toString()}`
}
