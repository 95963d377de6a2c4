import type { Flag, FlagValue } from './flag.ts'
import { fluxdFlags } from './flags/fluxd.ts'
import { operatorFlags } from './flags/operator.ts'
import { ownFlags } from './flags/own.ts'

/** The groups of the table, in the order of help and docs. */
export const flagGroups = {
  Capstan: ownFlags,
  "fluxd's flags": fluxdFlags,
  "The Helm Operator's flags": operatorFlags,
} as const satisfies Record<string, Record<string, Flag>>

const table = { ...ownFlags, ...fluxdFlags, ...operatorFlags }
export type FlagName = keyof typeof table

/** Every flag by name; the one table that parsing, defaults, help and docs are made from. */
export const flags: Readonly<Record<FlagName, Flag>> = table

/** The read value of every flag. */
export type FlagValues = { readonly [N in FlagName]: FlagValue<(typeof table)[N]> }

export function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(flags, name)
}
