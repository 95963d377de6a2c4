import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../lib/duration.ts'
import type { Context } from './context.ts'
import type { ExitCode } from './exit.ts'

/** Runs an action with the context that the command's options choose. */
export type Perform = (command: Command, work: (context: Context) => Promise<ExitCode>) => Promise<void>

/** `-o table|json`. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'for people or for scripts').choices(['table', 'json']).default('table')
}

const listFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const

/** `-o table|wide|json|yaml|name`, of every verb that lists. */
export function listOption(...more: string[]): Option {
  return new Option('-o, --output <format>', 'for people, for scripts, or names only')
    .choices([...listFormats, ...more])
    .default('table')
}

/** `--watch`, of every verb that lists. */
export function watchOption(): Option {
  return new Option('--watch', 'show it again when it changes, until Ctrl-C').default(false)
}

/** `--timeout`, in milliseconds; `shown` is the default as people write it. */
export function timeoutOption(shown: string, ms: number): Option {
  return new Option('--timeout <duration>', 'give up waiting after this').default(ms, shown).argParser(readDuration)
}

/** Any other duration, in milliseconds. */
export function durationOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(readDuration)
}

/** `--user`. */
export function userOption(): Option {
  return new Option('--user <name>', 'who does it, as claimed; else the user of this machine')
}

function readDuration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('It must be a duration such as 30s or 5m.')
  return ms
}

/** A number from 1 to 1000. */
export function readLimit(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new InvalidArgumentError('It must be from 1 to 1000.')
  return limit
}

/** A whole number, 0 too. */
export function readCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError('It must be a whole number.')
  return count
}
