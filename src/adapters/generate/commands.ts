import { join } from 'node:path'
import type { Problem } from '../../domain/manifest/problem.ts'
import type { FluxCommand } from '../../domain/source/flux-config.ts'
import { environmentOf, maxOutputBytes, type Place } from './place.ts'
import { inOneLine, whyFailed } from './words.ts'

const bash = '/bin/bash'

/** Where commands run: `file` is the .flux.yaml, `directory` the target, both from the root of the repository. */
export type CommandsAt = { file: string; directory: string; timeoutMs: number }

/**
 * Runs generators one after the other under bash in the target and gives what they printed, each with `---` before the next
 * (flux-v1 §6). The first that fails ends it; a stage of a pipeline that fails counts, unless strictness is off (ruling 14).
 */
export async function runGenerators(
  generators: readonly FluxCommand[],
  at: CommandsAt,
  place: Place,
): Promise<{ text: string } | { problem: Problem }> {
  const env = await environmentOf(place)
  const outputs: string[] = []
  for (const { command, timeoutMs = at.timeoutMs } of generators) {
    const result = await runCommand(command, { env, timeoutMs, what: 'generator' }, at, place)
    if ('problem' in result) return result
    outputs.push(result.stdout)
  }
  return { text: outputs.join('\n---\n') }
}

/** Commands that change files, and the variables that tell them what to change. */
export type Updating = { commands: readonly FluxCommand[]; variables: Readonly<Record<string, string>> }

/**
 * Runs updaters one after the other under bash in the target. They see PATH and their own variables, nothing else (flux-v1 §6, ruling
 * 14). Gives what went wrong; what was changed until then is in the folder.
 */
export async function runUpdaters(
  updates: readonly Updating[],
  at: CommandsAt,
  place: Place,
): Promise<Problem | undefined> {
  for (const { commands, variables } of updates) {
    const env = { PATH: place.environment.PATH ?? '', ...variables }
    for (const { command, timeoutMs = at.timeoutMs } of commands) {
      const result = await runCommand(command, { env, timeoutMs, what: 'updater' }, at, place)
      if ('problem' in result) return result.problem
    }
  }
  return undefined
}

async function runCommand(
  command: string,
  { env, timeoutMs, what }: { env: Readonly<Record<string, string>>; timeoutMs: number; what: 'generator' | 'updater' },
  at: CommandsAt,
  place: Place,
): Promise<{ stdout: string } | { problem: Problem }> {
  const result = await place.run({
    command: bash,
    args: [...(place.strict ? ['-o', 'pipefail'] : []), '-c', command],
    env,
    cwd: join(place.root, at.directory),
    timeoutMs,
    maxOutputBytes,
    signal: place.signal,
  })
  place.signal.throwIfAborted()
  if (result.ended === 'exit' && result.exitCode === 0) return { stdout: result.stdout }
  const why =
    result.ended === 'notFound' && result.stderr.startsWith(bash)
      ? `there is no ${bash}, under which generators run; install bash`
      : whyFailed(result, { timeoutMs, root: place.root })
  const message = `the ${what} '${inOneLine(command, 200)}' failed in ${at.directory || '.'}: ${why}`
  return { problem: { reason: 'GeneratorFailed', file: at.file, line: 0, message } }
}
