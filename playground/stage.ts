import { rmSync } from 'node:fs'
import type { Flags } from './flags.ts'
import { createSupervisor, endLeftovers, type Supervisor } from './stack/supervisor.ts'
import { prepareState, type State, statePaths } from './state.ts'
import type { Toolbox } from './tools/install.ts'

export type PlaygroundOptions = {
  flags: Flags
  toolbox: Toolbox
  /** One line per step. */
  report: (line: string) => void
  /** The JavaScript file that is Capstan. */
  capstanProgram: string
  signal: AbortSignal
}

/** Owns what is started, so that it can be stopped whole also when the start failed half-way. */
export type Stage = {
  paths: State
  supervisor: Supervisor
  /** Takes `playground.json` away and ends every process, Capstan first. Takes less than 10 s. */
  stop(): Promise<void>
  onChange: () => void
}

/** Ends what a killed start left, and readies folder and supervisor for a new one. */
export async function setStage(flags: Flags, report: (line: string) => void): Promise<Stage> {
  const left = await endLeftovers(flags.stateDir)
  if (left > 0) report(`ended ${left} processes that an earlier start had left`)
  const paths = statePaths(flags.stateDir)
  prepareState(paths, flags.keep)
  const stage: Stage = {
    paths,
    onChange: () => {},
    supervisor: createSupervisor({ directory: paths.stateDir, onChange: () => stage.onChange() }),
    async stop() {
      stage.onChange = () => {}
      rmSync(paths.file, { force: true })
      await stage.supervisor.stopAll({ first: 'capstan', firstGraceMs: 6_000, graceMs: 2_000 })
    },
  }
  return stage
}
