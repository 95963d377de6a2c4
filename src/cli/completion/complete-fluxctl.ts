import { type FlagSpec, needsNoValue } from '../fluxctl/flag.ts'
import { verbNamed } from '../fluxctl/find-verb.ts'
import { helpFlag } from '../fluxctl/usage.ts'
import { globalFlags, type VerbSpec, verbs } from '../fluxctl/verbs.ts'
import { type Candidate, plain, type ReadNames } from './candidates.ts'
import { shells } from './scripts.ts'

/** What may stand in the place of the last word of a command line of `fluxctl`. */
export async function completeFluxctl(words: readonly string[], names: ReadNames): Promise<Candidate[]> {
  const current = words.at(-1) ?? ''
  const before = words.at(-2) ?? ''
  const verb = words
    .slice(0, -1)
    .map((word) => verbNamed(word))
    .find((found) => found !== undefined)
  const flags = flagsOf(verb)
  const waiting = flags.find((flag) => isMeant(flag, before) && !needsNoValue(flag))
  if (waiting) return await valuesOf(waiting, names)
  const [, given = '', begun] = /^(--[^=]+)=(.*)$/.exec(current) ?? []
  const assigned = flags.find((flag) => isMeant(flag, given))
  if (begun !== undefined && assigned)
    return (await valuesOf(assigned, names)).map(({ word }) => ({ word: `${given}=${word}` }))
  if (current.startsWith('-'))
    return flags.filter((flag) => !flag.deprecated).map(({ name, usage }) => ({ word: `--${name}`, text: usage }))
  if (verb?.name === 'completion') return plain(shells)
  return verb && verb.name !== 'help' ? [] : verbs.map(({ name, short }) => ({ word: name, text: short }))
}

function flagsOf(verb: VerbSpec | undefined): FlagSpec[] {
  return [...(verb?.flags ?? []), ...globalFlags, helpFlag(verb?.name ?? 'fluxctl')]
}

function isMeant({ name, short }: FlagSpec, word: string): boolean {
  return word === `--${name}` || (short !== undefined && word === `-${short}`)
}

async function valuesOf({ name }: FlagSpec, names: ReadNames): Promise<Candidate[]> {
  if (name === 'output-format') return plain(['tab', 'json'])
  if (['workload', 'controller', 'exclude'].includes(name)) return plain(await names('workload'))
  return name === 'namespace' ? plain(await names('namespace')) : []
}
