import { editDistance } from '../../lib/suggest.ts'
import { Failure } from './failure.ts'
import { type FlagSpec, needsNoValue } from './flag.ts'
import { globalFlags, type VerbSpec, verbs } from './verbs.ts'

/** The verb that a command line means, and the line without its name; undefined for fluxctl itself. Throws for an unknown one. */
export function findVerb(argv: readonly string[]): { verb: VerbSpec | undefined; rest: string[] } {
  const [name] = wordsOf(argv)
  if (name === undefined) return { verb: undefined, rest: [...argv] }
  const verb = verbNamed(name)
  if (!verb) throw new Failure(`unknown command ${JSON.stringify(name)} for "fluxctl"${suggestions(name)}`)
  return { verb, rest: argv.toSpliced(argv.indexOf(name), 1) }
}

/** By its name or another that it has. */
export function verbNamed(name: string): VerbSpec | undefined {
  return verbs.find((verb) => verb.name === name || verb.aliases?.includes(name))
}

/** What is neither a flag nor its value, for what stands before the verb is known; as fluxctl's library (cobra) does it. */
function wordsOf(argv: readonly string[]): string[] {
  const words: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at] ?? ''
    if (arg === '--') break
    if (takesNext(arg)) {
      // a last value can be nobody's but the flag's
      if (argv.length - at - 1 <= 1) break
      at++
    } else if (arg !== '' && !arg.startsWith('-')) words.push(arg)
  }
  return words
}

function takesNext(arg: string): boolean {
  if (!arg.startsWith('-') || arg.includes('=')) return false
  if (arg.startsWith('--')) return !isSwitch(({ name }) => name === arg.slice(2))
  return arg.length === 2 && !isSwitch(({ short }) => short === arg.slice(1))
}

function isSwitch(isMeant: (flag: FlagSpec) => boolean): boolean {
  const help: FlagSpec = { name: 'help', short: 'h', type: 'bool', usage: '' }
  const flag = [...globalFlags, help].find(isMeant)
  return flag !== undefined && needsNoValue(flag)
}

function suggestions(typed: string): string {
  const near = verbs
    .map(({ name }) => name)
    .filter((name) => editDistance(typed.toLowerCase(), name) <= 2 || name.startsWith(typed.toLowerCase()))
  return near.length > 0 ? `\n\nDid you mean this?\n${near.map((name) => `\t${name}\n`).join('')}` : ''
}
