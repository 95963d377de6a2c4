/** How the text of a flag is read; the words are those of fluxctl's help. */
export type FlagType = 'string' | 'bool' | 'count' | 'int' | 'duration' | 'strings' | 'stringToString'

/** One flag of fluxctl (flux-v1 §24). */
export type FlagSpec = {
  name: string
  short?: string
  type: FlagType
  usage: string
  /** As it is read; left out: empty, false or 0. */
  default?: string
  /** Not in the help any more; the text is printed where it is used. */
  deprecated?: string
}

/** What was given, by name: the texts in their order, after they were read without an error. */
export type Values = {
  /** True where the command line or the environment gave it. */
  has: (name: string) => boolean
  text: (name: string) => string
  on: (name: string) => boolean
  number: (name: string) => number
  /** Milliseconds. */
  duration: (name: string) => number
  list: (name: string) => string[]
  map: (name: string) => Record<string, string>
}

/** Flags that need no value after them. */
export function needsNoValue({ type }: FlagSpec): boolean {
  return type === 'bool' || type === 'count'
}
