/** Whether a flag is acted upon. `ignored` flags are accepted, and named in one warning when they are given. */
export type FlagState = {
  /** Absent: it works. `ignored`: there is nothing left for it to do. */
  state?: 'ignored'
  /** Half a sentence that goes with `state`. */
  why?: string
}

/** One line of the table that makes parsing, defaults, help and docs/configuration.md. */
export type Flag = FlagState & {
  /** One letter that may stand for it, as in `-l`. */
  short?: string
  /** Environment variables that give it when the flag is absent; the first that is set counts. */
  env?: readonly string[]
  /** One sentence for people. */
  doc: string
  /** In place of the default, where the default is made from something else. */
  defaultDoc?: string
} & (
    | { type: 'string'; default: string }
    | { type: 'switch'; default: boolean }
    /** Whole numbers from zero. */
    | { type: 'number'; default: number }
    /** A Go duration; the default is one too. */
    | { type: 'duration'; default: string }
    /** Repeatable and comma-separated, as pflag's StringSlice: the first one given replaces the default. `choices` restricts its words. */
    | { type: 'list'; default: readonly string[]; choices?: readonly string[] }
    | { type: 'choice'; default: string; choices: readonly string[] }
  )

/** What a flag's value is once read. Durations are milliseconds. */
export type FlagValue<F extends Flag> = F extends { type: 'switch' }
  ? boolean
  : F extends { type: 'number' | 'duration' }
    ? number
    : F extends { type: 'list'; choices: readonly (infer C)[] }
      ? readonly C[]
      : F extends { type: 'list' }
        ? readonly string[]
        : F extends { type: 'choice'; choices: readonly (infer C)[] }
          ? C
          : string
