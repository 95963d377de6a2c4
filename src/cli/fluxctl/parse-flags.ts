import { Failure } from './failure.ts'
import { type FlagSpec, needsNoValue, type Values } from './flag.ts'
import { goDurationMs, isTrue, problemOf, quote, splitList } from './read-value.ts'

/** A command line taken apart: values of flags, and the words that are none. */
export type Parsed = { values: Values; words: string[]; warnings: string[]; set: (name: string, text: string) => void }

/**
 * Reads flags as fluxctl's library (pflag) does: anywhere in the line, `-o json`, `-ojson`, `-o=json`, `-vv`, `--flag=text`, and all
 * that follows `--` is a word. Throws a {@link Failure} in its words.
 */
export function parseFlags(specs: readonly FlagSpec[], argv: readonly string[]): Parsed {
  const given = new Map<string, string[]>()
  const line: Line = { specs, given, rest: [...argv], warnings: [] }
  const words: string[] = []
  for (let arg = line.rest.shift(); arg !== undefined; arg = line.rest.shift()) {
    if (arg === '--') {
      words.push(...line.rest)
      break
    }
    if (arg.startsWith('--')) readLong(line, arg)
    else if (arg.startsWith('-') && arg.length > 1) readShort(line, arg)
    else words.push(arg)
  }
  return {
    values: valuesOf(specs, given),
    words,
    warnings: line.warnings,
    set(name, text) {
      const spec = specs.find((one) => one.name === name)
      if (spec && problemOf(spec.type, text) === undefined) given.set(name, [text])
    },
  }
}

type Line = { specs: readonly FlagSpec[]; given: Map<string, string[]>; rest: string[]; warnings: string[] }

function readLong(line: Line, arg: string): void {
  const [, name = '', value] = /^--([^=]*)(?:=([^]*))?$/.exec(arg) ?? []
  if (name === '' || name.startsWith('-')) throw new Failure(`bad flag syntax: ${arg}`)
  const spec = line.specs.find((one) => one.name === name)
  if (!spec) throw new Failure(`unknown flag: --${name}`)
  if (value !== undefined) return give(line, spec, value)
  if (needsNoValue(spec)) return give(line, spec, undefined)
  const next = line.rest.shift()
  if (next === undefined) throw new Failure(`flag needs an argument: ${arg}`)
  give(line, spec, next)
}

function readShort(line: Line, arg: string): void {
  for (let letters = arg.slice(1); letters !== ''; letters = letters.slice(1)) {
    const letter = letters.charAt(0)
    const spec = line.specs.find(({ short }) => short === letter)
    if (!spec) throw new Failure(`unknown shorthand flag: '${letter}' in -${letters}`)
    if (letters.length > 2 && letters[1] === '=') return give(line, spec, letters.slice(2))
    if (needsNoValue(spec)) give(line, spec, undefined)
    else if (letters.length > 1) return give(line, spec, letters.slice(1))
    else {
      const next = line.rest.shift()
      if (next === undefined) throw new Failure(`flag needs an argument: '${letter}' in -${letters}`)
      return give(line, spec, next)
    }
  }
}

/** Undefined: the flag stood alone. */
function give({ given, warnings }: Line, spec: FlagSpec, text: string | undefined): void {
  const { name, short, type, deprecated } = spec
  const before = given.get(name) ?? []
  const alone = type === 'count' ? String(Number(before.at(-1) ?? 0) + 1) : 'true'
  const value = text ?? alone
  const problem = problemOf(type, value)
  if (problem !== undefined) {
    const flag = short && deprecated === undefined ? `-${short}, --${name}` : `--${name}`
    throw new Failure(`invalid argument ${quote(value)} for "${flag}" flag: ${problem}`)
  }
  given.set(name, [...before, value])
  if (deprecated) warnings.push(`Flag --${name} has been deprecated, ${deprecated}\n`)
}

function valuesOf(specs: readonly FlagSpec[], given: ReadonlyMap<string, string[]>): Values {
  const all = (name: string): string[] => {
    const known = specs.find((spec) => spec.name === name)?.default
    return given.get(name) ?? (known === undefined ? [] : [known])
  }
  const text = (name: string): string => all(name).at(-1) ?? ''
  const list = (name: string): string[] => all(name).flatMap(splitList)
  return {
    has: (name) => given.has(name),
    text,
    on: (name) => isTrue(text(name)) === true,
    number: (name) => Number(text(name) || 0),
    duration: (name) => goDurationMs(text(name)) ?? 0,
    list,
    map: (name) => Object.fromEntries(list(name).map((pair) => pairOf(pair))),
  }
}

function pairOf(pair: string): [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}
