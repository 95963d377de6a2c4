import { parseDuration } from '../../lib/duration.ts'

/**
 * Reads the fields of an object that somebody else wrote. What is absent or null gives the default; what cannot be used gives the
 * default, too, and a problem that names the field. Texts may hold no control characters.
 */
export type Fields = {
  /** `spec.ref` of the map `ref` inside `spec`. */
  readonly path: string
  /** Problems of this map and of all that were read below it, in order. */
  readonly problems: string[]
  has(name: string): boolean
  text(name: string, rule?: TextRule): string
  texts(name: string, rule?: TextRule): string[]
  flag(name: string, otherwise: boolean): boolean
  choice<T extends string>(name: string, choices: readonly [T, ...T[]]): T
  /** Milliseconds of a Go duration between 10 s and 24 h. */
  duration(name: string, otherwiseMs: number): number
  /** A map inside; an empty one when it is absent. */
  map(name: string): Fields
  maps(name: string): Fields[]
  /** Adds a problem of this field, or of this map for an empty name. */
  refuse(name: string, why: string): void
}

/** What is wrong with a text, as half a sentence; undefined when nothing is. */
export type TextRule = (text: string) => string | undefined

type Raw = Record<string, unknown>

const maxLength = 2048
const maxItems = 256
const shortestMs = 10_000
const longestMs = 86_400_000

export function fieldsOf(value: unknown, path: string, problems: string[] = []): Fields {
  const raw = isMap(value) ? value : {}
  const at = (name: string): string => (name === '' ? path : `${path}.${name}`)
  const refuse = (name: string, why: string): void => void problems.push(`${at(name)} ${why}`)
  const own = (name: string): unknown => (Object.hasOwn(raw, name) ? (raw[name] ?? undefined) : undefined)
  if (value !== undefined && value !== null && !isMap(value)) refuse('', 'must be a map')

  function checked(name: string, given: unknown, rule: TextRule | undefined): string {
    if (given === undefined) return ''
    const why = typeof given === 'string' ? textProblem(given, rule) : 'must be a text'
    if (why === undefined) return given as string
    refuse(name, why)
    return ''
  }

  function items(name: string): unknown[] {
    const given = own(name)
    if (given === undefined) return []
    if (Array.isArray(given) && given.length <= maxItems) return given
    refuse(name, `must be a list of at most ${maxItems}`)
    return []
  }

  return {
    path,
    problems,
    has: (name) => own(name) !== undefined,
    text: (name, rule) => checked(name, own(name), rule),
    texts: (name, rule) => items(name).map((item, index) => checked(`${name}[${index}]`, item ?? 0, rule)),
    flag(name, otherwise) {
      const given = own(name)
      if (given === undefined || typeof given === 'boolean') return given ?? otherwise
      refuse(name, 'must be true or false')
      return otherwise
    },
    choice(name, choices) {
      const given = own(name) ?? choices[0]
      const chosen = choices.find((choice) => choice === given)
      if (chosen === undefined) refuse(name, `must be one of ${choices.join(', ')}`)
      return chosen ?? choices[0]
    },
    duration(name, otherwiseMs) {
      const given = own(name)
      if (given === undefined) return otherwiseMs
      const ms = typeof given === 'string' ? parseDuration(given) : undefined
      if (ms !== undefined && ms >= shortestMs && ms <= longestMs) return ms
      refuse(name, 'must be a duration between 10s and 24h')
      return otherwiseMs
    },
    map: (name) => fieldsOf(own(name), at(name), problems),
    maps: (name) => items(name).map((item, index) => fieldsOf(item ?? 0, at(`${name}[${index}]`), problems)),
    refuse,
  }
}

function textProblem(text: string, rule: TextRule | undefined): string | undefined {
  if (text.length > maxLength) return `must have at most ${maxLength} characters`
  if (/\p{Cc}/u.test(text)) return 'must hold no control characters'
  return rule?.(text)
}

function isMap(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
