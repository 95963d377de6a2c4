import { type CapstanSettings, capstanArgv } from './capstan-argv.ts'
import type { Program } from './stack/supervise.ts'
import type { Supervisor } from './stack/supervisor.ts'
import { until } from './stack/until.ts'

export type CapstanStart = {
  supervisor: Supervisor
  /** The JavaScript file to run. */
  program: string
  /** Put first on its PATH. */
  binDir: string
  apiUrl: string
  settings: CapstanSettings
  signal: AbortSignal
}

const readyMs = 60_000
/** Exit code of `capstan run` for flags that it refuses: to start it again would change nothing. */
const badFlags = 'exit 2'
const mostRestarts = 5

/** Starts `capstan run` and waits until it is ready. Throws with the end of its log when it does not come up. */
export async function startCapstan(
  options: CapstanStart,
): Promise<{ program: Program; argv: string[]; env: Record<string, string> }> {
  const { supervisor, binDir, apiUrl, settings, signal } = options
  const args = [options.program, ...capstanArgv(settings)]
  const env = { PATH: `${binDir}:${process.env.PATH ?? ''}` }
  const program = supervisor.start({
    name: 'capstan',
    command: process.execPath,
    args,
    env: { ...process.env, ...env },
  })
  await until('capstan', async () => (await fetch(`${apiUrl}/readyz`)).ok, {
    timeoutMs: readyMs,
    logFile: program.logFile,
    signal,
    giveUp: () =>
      program.lastEnd() === badFlags || program.restarts() > mostRestarts
        ? `it ended (${program.lastEnd()})`
        : undefined,
  })
  return { program, argv: [process.execPath, ...args], env }
}
