import type { Ancestor } from '../manifest/ancestor.ts'
import { fromEnvironment } from './environment.ts'
import { fromFlags } from './flag-values.ts'
import { fromKeepers } from './in-git.ts'
import { fromMounts } from './mounts.ts'
import type { OldFacts } from './old-facts.ts'
import { type Copy, joined, type Note, refusal } from './part.ts'
import { fromReleases, type ReleaseFacts } from './releases.ts'
import { fromSurroundings } from './surroundings.ts'
import { type Values, valuesTree, withOtherHalf, withSharedDefaults } from './values.ts'

/** What a move does, and what it says of it before anything is touched. */
export type MovePlan = {
  values: Values
  /** Entries of Secrets of ours, by name: what stood in the Deployment in plain sight. */
  secrets: Readonly<Record<string, Readonly<Record<string, string>>>>
  copies: readonly Copy[]
  /** Lines by ancestor, and of both together. */
  notes: readonly { about: string; notes: readonly Note[] }[]
}

export type MoveFacts = {
  /** One or both of the ancestors. */
  halves: readonly OldFacts[]
  releases: ReleaseFacts
  /** Values of the Capstan that has the other half already; undefined when there is none. */
  installed: Values | undefined
  /** Ancestors that run on after the move. */
  goOn: ReadonlySet<Ancestor>
}

const work: Readonly<Record<Ancestor, readonly string[]>> = { fluxd: ['sync', 'images'], 'helm-operator': ['releases'] }

/**
 * What becomes of everything that the moved ancestors had: values for the chart, Secrets, and a line for each thing. What cannot be taken
 * over has a line that refuses, never none. The values turn on the moved half alone (ruling 20).
 */
export function planMove(facts: MoveFacts): MovePlan {
  const enabled = facts.halves.flatMap(({ old }) => work[old.ancestor])
  const parts = facts.halves.map((half) => ({ half, part: ofHalf(half, facts) }))
  const all = joined(parts.map(({ part }) => part))
  const trees = parts.map(({ part }) => valuesTree(part.values))
  const before = otherWork(facts.installed, enabled)
  const base = before.length > 0 ? facts.installed : undefined
  const { tree, notes } = together(withSharedDefaults([...(base ? [base] : []), ...trees]))
  const args = all.args.length > 0 ? { additionalArgs: unique([...textsOf(base?.additionalArgs), ...all.args]) } : {}
  return {
    values: { ...tree, ...args, enable: unique([...before, ...enabled]) },
    secrets: all.secrets,
    copies: all.copies,
    notes: [
      ...parts.map(({ half: { old }, part }) => ({
        about: `${old.ancestor} ${old.namespace}/${old.name}`,
        notes: part.notes,
      })),
      ...(notes.length > 0 ? [{ about: 'both', notes }] : []),
    ],
  }
}

/** The refusals that nobody waved through. */
export function refusedIn({ notes }: MovePlan, accepted: ReadonlySet<string>): Note[] {
  return notes
    .flatMap((group) => group.notes)
    .filter(({ became, accept = '' }) => became === 'refused' && !accepted.has(accept))
}

function ofHalf(half: OldFacts, { halves, releases, goOn }: MoveFacts) {
  const moved = halves.find(({ old }) => old.ancestor === 'fluxd')
  return joined([
    fromFlags(half),
    fromMounts(half),
    fromEnvironment(half),
    fromSurroundings(half),
    fromKeepers(half.old, { goOn, moved }),
    half.old.ancestor === 'helm-operator' ? fromReleases(half, releases) : {},
    half.old.replicas > 1
      ? refusal(
          'replicas',
          'replicas',
          `${half.old.replicas} of it run, which write against each other: scale it to 1 first`,
        )
      : {},
  ])
}

/** What the installed Capstan does besides; nothing where it is this same half, moved before. */
function otherWork(installed: Values | undefined, enabled: readonly string[]): string[] {
  const { enable } = installed ?? {}
  const all = typeof enable === 'string' ? enable.split(',') : textsOf(enable)
  return all.filter((one) => !enabled.includes(one))
}

function together(trees: readonly Values[]): { tree: Values; notes: Note[] } {
  return trees.reduce<{ tree: Values; notes: Note[] }>(
    ({ tree, notes }, half) => {
      const next = withOtherHalf(tree, half)
      return { tree: next.values, notes: [...notes, ...next.notes] }
    },
    { tree: {}, notes: [] },
  )
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}
