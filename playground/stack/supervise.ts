import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** One program to keep running. */
export type ProgramSpec = {
  name: string
  command: string
  args: readonly string[]
  /** The whole environment. Default: ours. */
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Standard output and error are appended here. */
  logFile: string
  /** Whether it is started again when it dies. Default true. */
  restart?: boolean
}

/** A program that is kept running until `stop`. */
export type Program = {
  readonly name: string
  readonly logFile: string
  /** Undefined between its death and its next start, and after `stop`. */
  pid(): number | undefined
  /** How often it was started again. */
  restarts(): number
  /** How it ended the last time: `exit 2` or `SIGKILL`. Undefined as long as it never did. */
  lastEnd(): string | undefined
  /** Sends a signal to the program alone; it is started again when that ends it. */
  signal(signal: NodeJS.Signals): void
  /** SIGTERM to its process group, SIGKILL after `graceMs` (default 2 s). Resolves when nothing of the group is left. */
  stop(graceMs?: number): Promise<void>
}

/** A dead program is back within a second: at once the first time, a little later when it does not stay up. */
const firstDelayMs = 50
const nextDelayMs = 700
const stayedUpMs = 3_000
const reapMs = 200

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((file) => existsSync(file))
const groups = new Set<number>()
// However this process ends by itself, nothing of it stays; kill -9 is covered by setpriv's death signal on Linux.
process.on('exit', () => {
  for (const pid of groups) killGroup(pid, 'SIGKILL')
})

/** Starts a program in a process group of its own, starts it again when it dies, and says so through `onChange`. */
export function supervise(spec: ProgramSpec, onChange: () => void = () => {}): Program {
  let child: ChildProcess | undefined
  let stopping = false
  let restarts = 0
  let startedAt = 0
  let lastEnd: string | undefined
  let timer: NodeJS.Timeout | undefined

  function launch(): void {
    startedAt = performance.now()
    const started = spawnGroup(spec)
    child = started
    const { pid } = started
    if (pid !== undefined) groups.add(pid)
    started.once('error', (error) => ended(error.message))
    started.once('exit', (code, signal) => {
      if (pid !== undefined) {
        // What it left behind in its group would hold ports and files of its successor.
        killGroup(pid, 'SIGKILL')
        groups.delete(pid)
      }
      ended(signal ?? `exit ${code}`)
    })
  }

  function ended(how: string): void {
    child = undefined
    lastEnd = how
    if (!stopping && spec.restart !== false) {
      timer = setTimeout(again, performance.now() - startedAt > stayedUpMs ? firstDelayMs : nextDelayMs)
    }
    onChange()
  }

  function again(): void {
    if (stopping) return
    restarts++
    launch()
    onChange()
  }

  launch()
  return {
    name: spec.name,
    logFile: spec.logFile,
    pid: () => child?.pid,
    restarts: () => restarts,
    lastEnd: () => lastEnd,
    signal: (signal) => void child?.kill(signal),
    async stop(graceMs = 2_000) {
      stopping = true
      clearTimeout(timer)
      if (child) await endGroup(child, graceMs)
    },
  }
}

function spawnGroup(spec: ProgramSpec): ChildProcess {
  mkdirSync(dirname(spec.logFile), { recursive: true })
  const log = openSync(spec.logFile, 'a', 0o600)
  const [command, args] = setpriv
    ? [setpriv, ['--pdeathsig', 'KILL', '--', spec.command, ...spec.args]]
    : [spec.command, [...spec.args]]
  const child = spawn(command, args, {
    cwd: spec.cwd,
    env: spec.env ?? process.env,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return child
}

/**
 * Ends a child that leads a process group, and all of the group: SIGTERM, then SIGKILL when the child has ended or after the
 * grace. Resolves when the child has ended and nothing of the group runs.
 */
export async function endGroup(child: ChildProcess, graceMs: number): Promise<void> {
  const { pid } = child
  if (pid === undefined) return
  const hasEnded = child.exitCode !== null || child.signalCode !== null
  const end = hasEnded ? Promise.resolve() : new Promise<void>((resolve) => child.once('exit', () => resolve()))
  killGroup(pid, 'SIGTERM')
  await Promise.race([end, sleep(graceMs, undefined, { ref: false })])
  killGroup(pid, 'SIGKILL')
  await end
  // Killed members count until init has reaped them, and some containers have no init that does.
  for (let waited = 0; waited < reapMs && killGroup(pid, 0); waited += 20) await sleep(20)
}

/** False when there is no such group any more. */
function killGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal)
    return true
  } catch {
    return false
  }
}
