import type { Command, Option } from 'commander'
import { type Candidate, type NameKind, plain, type ReadNames } from './candidates.ts'

/** What may stand in the place of the last word of a command line of `capstan`: verbs, flags, their values, and names. */
export async function complete(program: Command, words: readonly string[], names: ReadNames): Promise<Candidate[]> {
  const current = words.at(-1) ?? ''
  const { command, place, waiting } = walk(program, words.slice(0, -1))
  if (waiting) return await valuesOf(waiting, names)
  const [, flag = '', begun] = /^(--[^=]+)=(.*)$/.exec(current) ?? []
  if (begun !== undefined) {
    const option = optionsOf(command).find(({ long }) => long === flag)
    const values = option ? await valuesOf(option, names) : []
    return values.map(({ word }) => ({ word: `${flag}=${word}` }))
  }
  if (current.startsWith('-')) return optionsOf(command).flatMap(flagOf)
  const verbs = place === 0 ? verbsOf(command) : []
  return [...verbs, ...(await argumentsOf(command, place, names))]
}

type Place = {
  command: Command
  /** Words before this one that are arguments. */
  place: number
  /** The flag that the last word before was, when it wants a value. */
  waiting?: Option | undefined
}

function walk(program: Command, words: readonly string[]): Place {
  let at: Place = { command: program, place: 0 }
  for (const word of words) {
    if (at.waiting) at = { command: at.command, place: at.place }
    else if (word.startsWith('-')) at = { ...at, waiting: wanting(at.command, word) }
    else {
      const next = at.command.commands.find((one) => one.name() === word || one.aliases().includes(word))
      at = next && at.place === 0 ? { command: next, place: 0 } : { ...at, place: at.place + 1 }
    }
  }
  return at
}

function wanting(command: Command, word: string): Option | undefined {
  const option = optionsOf(command).find(({ long, short }) => word === long || word === short)
  return option && !option.isBoolean() && !word.includes('=') ? option : undefined
}

/** Its own, and those of the program. */
function optionsOf(command: Command): Option[] {
  const own = command.createHelp().visibleOptions(command)
  return command.parent ? [...own, ...optionsOf(command.parent)] : own
}

function flagOf({ long, description }: Option): Candidate[] {
  return long ? [{ word: long, text: description }] : []
}

function verbsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ word: one.name(), text: one.description() }))
}

async function valuesOf({ argChoices, long = '' }: Option, names: ReadNames): Promise<Candidate[]> {
  if (argChoices) return plain(argChoices)
  const kind = namesOfFlags[long]
  return kind ? plain(await names(kind)) : []
}

const namesOfFlags: Record<string, NameKind> = {
  '--source': 'source',
  '--workload': 'workload',
  '--exclude': 'workload',
  '--namespace': 'namespace',
}

async function argumentsOf(command: Command, place: number, names: ReadNames): Promise<Candidate[]> {
  const { registeredArguments: all } = command
  const argument = all[place] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined)
  if (!argument) return []
  if (argument.argChoices) return plain(argument.argChoices)
  const path = pathOf(command)
  const kind = place === 0 || argument.variadic ? (namesOfVerbs[path] ?? namesOfVerbs[argument.name()]) : undefined
  return kind ? plain(await names(kind)) : []
}

/** By verb, else by the name of the argument. */
const namesOfVerbs: Record<string, NameKind> = {
  source: 'source',
  workload: 'workload',
  subject: 'subject',
  what: 'subject',
  job: 'job',
  'helm plan': 'release',
  'helm values': 'release',
  'helm history': 'release',
  'helm rollback': 'release',
  'helm suspend': 'release',
  'helm resume': 'release',
  'sink test': 'sink',
  'sink replay': 'sink',
}

function pathOf(command: Command): string {
  const { parent } = command
  return parent?.parent ? `${pathOf(parent)} ${command.name()}` : command.name()
}
