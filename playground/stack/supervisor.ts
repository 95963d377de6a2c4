import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Identity, identify, isAlive } from './identity.ts'
import { type Program, type ProgramSpec, supervise } from './supervise.ts'
import { writeAtomic } from './write-atomic.ts'

/** Keeps a set of programs running, remembers on disk who they are, and stops them all. */
export type Supervisor = {
  /** Folder of the logs, one file per program. */
  readonly logs: string
  start(spec: Omit<ProgramSpec, 'logFile'>): Program
  programs(): readonly Program[]
  /** Ends all in the reverse order of their start: the first `ordered` one by one, the rest at the same time. */
  stopAll(options?: { first?: string; firstGraceMs?: number; graceMs?: number }): Promise<void>
}

export type SupervisorOptions = {
  /** Holds `logs/` and the list of what runs. */
  directory: string
  /** Called whenever a program died or was started again. */
  onChange?: () => void
}

const ledgerName = 'processes.json'

export function createSupervisor({ directory, onChange = () => {} }: SupervisorOptions): Supervisor {
  const logs = join(directory, 'logs')
  const ledger = join(directory, ledgerName)
  const programs: Program[] = []
  mkdirSync(logs, { recursive: true })

  function remember(): void {
    const identities = programs.map((program) => program.pid()).flatMap((pid) => (pid ? [identify(pid)] : []))
    writeAtomic(ledger, JSON.stringify(identities.filter((identity) => identity !== undefined)))
  }

  return {
    logs,
    start(spec) {
      const program = supervise({ ...spec, logFile: join(logs, `${spec.name}.log`) }, () => {
        remember()
        onChange()
      })
      programs.push(program)
      remember()
      return program
    },
    programs: () => programs,
    async stopAll({ first, firstGraceMs = 6_000, graceMs = 2_000 } = {}) {
      await programs.find((program) => program.name === first)?.stop(firstGraceMs)
      await Promise.all(programs.map((program) => program.stop(graceMs)))
      rmSync(ledger, { force: true })
    },
  }
}

/** Ends what a killed supervisor of this folder left running. Resolves with how many processes that were. */
export async function endLeftovers(directory: string): Promise<number> {
  const ledger = join(directory, ledgerName)
  const left = readLedger(ledger).filter(isAlive)
  for (const { pid } of left) {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It ended between the look and the kill.
    }
  }
  while (left.some(isAlive)) await sleep(20)
  rmSync(ledger, { force: true })
  return left.length
}

function readLedger(file: string): Identity[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Identity[]
  } catch {
    return []
  }
}
