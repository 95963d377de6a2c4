import { type Copy, nothing, type Part } from './part.ts'
import type { OldDeployment } from './old-deployment.ts'

/** One flag as it was given. `became` and `saying`: what our table of the ancestors' flags says of it. */
export type GivenFlag = { name: string; values: readonly string[]; became: string; saying: string }

/** What is known of a Secret or ConfigMap: never a value of a Secret. */
export type OldFile = {
  keys: readonly string[]
  /** Made by helm or another program that takes it along when the ancestor is uninstalled. */
  goesWithAncestor: boolean
  /** Of a ConfigMap. */
  data: Readonly<Record<string, string>>
}

/** Everything that a plan is made of. */
export type OldFacts = {
  old: OldDeployment
  flags: readonly GivenFlag[]
  /** What of the arguments is no flag that we know, as sentences. */
  problems: readonly string[]
  /** By `Secret/name` and `ConfigMap/name`, of its namespace; what does not exist is not in it. */
  files: ReadonlyMap<string, OldFile>
  /** Annotations of its ServiceAccount. */
  accountAnnotations: Readonly<Record<string, string>>
  /** Its account may do everything in the whole cluster. */
  isClusterWide: boolean
  /** Services that lead to it, `namespace/name`. */
  services: readonly string[]
  /** Where Capstan will run. */
  namespace: string
}

/** The values of a flag; undefined when it was not given. */
export function valuesOf({ flags }: OldFacts, name: string): readonly string[] | undefined {
  return flags.find((flag) => flag.name === name)?.values
}

/** The last value of a flag, or what counts without it. */
export function valueOf(facts: OldFacts, name: string, fallback = ''): string {
  return valuesOf(facts, name)?.at(-1) ?? fallback
}

/** Comma-separated and given again, as pflag reads a list. */
export function listedIn(values: readonly string[]): string[] {
  return values
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '')
}

/** Whether a switch is on, as Go reads it. */
export function isOn(value: string): boolean {
  return /^(1|t|true)$/i.test(value)
}

/**
 * The name under which a Secret or ConfigMap is used from now on. It is copied where it would go with the ancestor (helm uninstalls what its
 * chart made, the deploy key among it: ruling 6.2), or where it lies in another namespace than ours.
 */
export function takenOver(
  { old, files, namespace }: OldFacts,
  kind: Copy['kind'],
  name: string,
): { name: string; part: Part } {
  const file = files.get(`${kind}/${name}`)
  if (!file || (!file.goesWithAncestor && old.namespace === namespace)) return { name, part: nothing }
  const copy: Copy = { kind, from: { namespace: old.namespace, name }, name: `capstan-${name}`.slice(0, 253) }
  return { name: copy.name, part: { copies: [copy] } }
}
