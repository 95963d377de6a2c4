import { type FlagName, flags, isFlagName } from './flags.ts'
import { suggest } from '../lib/suggest.ts'

/** The texts given for each flag, in order. */
export type Given = Map<FlagName, string[]>

/**
 * Reads flags as Go programs do: `--flag=value`, `--flag value`, the same with one dash, `--switch` and `--switch=false`.
 * A switch never takes the next word. Values are not looked at here; every problem is collected.
 */
export function parseArgv(argv: readonly string[]): { given: Given; problems: string[]; wantsHelp: boolean } {
  const given: Given = new Map()
  const problems: string[] = []
  let wantsHelp = false
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string
    const [, text, value] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(word) ?? []
    if (text === undefined) {
      if (word !== '--' || at + 1 < argv.length) problems.push(`"${word}" is not a flag; arguments are not taken`)
      continue
    }
    if (text === 'help' || text === 'h') {
      wantsHelp = true
      continue
    }
    const name = nameOf(text)
    if (!name) {
      problems.push(unknownFlag(text))
      if (value === undefined && argv[at + 1]?.startsWith('-') === false) at++
      continue
    }
    const next = argv[at + 1]
    if (value !== undefined) add(given, name, value)
    else if (flags[name].type === 'switch') add(given, name, 'true')
    else if (next === undefined) problems.push(`--${name} needs a value`)
    else {
      add(given, name, next)
      at++
    }
  }
  return { given, problems, wantsHelp }
}

/** What is said of a name that no flag has; suggests the nearest one. */
export function unknownFlag(text: string): string {
  const nearest = suggest(text, Object.keys(flags))
  return `unknown flag --${text}${nearest ? `; did you mean --${nearest}?` : ''}`
}

function nameOf(text: string): FlagName | undefined {
  if (isFlagName(text)) return text
  return (Object.keys(flags) as FlagName[]).find((name) => flags[name].short === text)
}

function add(given: Given, name: FlagName, value: string): void {
  given.set(name, [...(given.get(name) ?? []), value])
}
