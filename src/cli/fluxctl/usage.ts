import type { FlagSpec } from './flag.ts'
import { about, globalFlags, type VerbSpec, verbs } from './verbs.ts'

/** `--help` of a verb, or of fluxctl itself: what it is for, and how it is used. `author` is the default of `--user`. */
export function helpText(verb: VerbSpec | undefined, author: string): string {
  const what = (verb ? (verb.long ?? verb.short) : about).trimEnd()
  return `${what}\n\n${verb ? verbUsage(verb, author) : rootUsage([...globalFlags, helpFlag('fluxctl')])}`
}

/** How fluxctl is used, for who asked for help about what it does not know. */
export function rootUsage(flags: readonly FlagSpec[] = globalFlags): string {
  const listed = verbs.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const width = Math.max(...listed.map(({ name }) => name.length))
  return [
    'Usage:\n  fluxctl [command]',
    `Available Commands:\n${listed.map(({ name, short }) => `  ${name.padEnd(width)} ${short}`).join('\n')}`,
    `Flags:\n${flagLines(flags)}`,
    'Use "fluxctl [command] --help" for more information about a command.\n',
  ].join('\n\n')
}

function verbUsage(verb: VerbSpec, author: string): string {
  const { name, use, aliases = [], example, flags, hasOwnUsage } = verb
  const own = [...flags, helpFlag(name)].map((flag) => (flag.name === 'user' ? { ...flag, default: author } : flag))
  return `${[
    `Usage:\n  fluxctl ${use}${hasOwnUsage ? '' : ' [flags]'}`,
    ...(aliases.length > 0 ? [`Aliases:\n  ${[name, ...aliases].join(', ')}`] : []),
    ...(example === undefined ? [] : [`Examples:\n${example}`]),
    `Flags:\n${flagLines(own)}`,
    `Global Flags:\n${flagLines(globalFlags)}`,
  ].join('\n\n')}\n`
}

/** `-h, --help`, which every verb has. */
export function helpFlag(of: string): FlagSpec {
  return { name: 'help', short: 'h', type: 'bool', usage: `help for ${of}` }
}

function flagLines(flags: readonly FlagSpec[]): string {
  const shown = flags
    .filter(({ deprecated }) => deprecated === undefined)
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map((flag) => [headOf(flag), `${flag.usage}${defaultOf(flag)}`] as const)
  const width = Math.max(...shown.map(([head]) => head.length))
  return shown.map(([head, text]) => `${head.padEnd(width)}   ${text}`).join('\n')
}

function headOf({ name, short, type }: FlagSpec): string {
  const word = type === 'bool' ? '' : ` ${type}`
  return `  ${short ? `-${short}, ` : '    '}--${name}${word}`
}

function defaultOf({ type, default: text = '' }: FlagSpec): string {
  if (text === '') return ''
  if (type === 'string') return ` (default ${JSON.stringify(text)})`
  return type === 'stringToString' ? ` (default [${text}])` : ` (default ${text})`
}
