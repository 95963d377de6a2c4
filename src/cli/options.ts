import { InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../lib/duration.ts'

/** `-o table|json`. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'for people or for scripts').choices(['table', 'json']).default('table')
}

/** `--timeout`, in milliseconds; `shown` is the default as people write it. */
export function timeoutOption(shown: string, ms: number): Option {
  return new Option('--timeout <duration>', 'give up waiting after this').default(ms, shown).argParser(readDuration)
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
