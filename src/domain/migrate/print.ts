import type { Became, Note } from './part.ts'
import type { MovePlan } from './plan-move.ts'

/** What needs somebody first, then what is not the same, then the rest. */
const order: readonly Became[] = ['refused', 'do', 'differs', 'replaced', 'dropped', 'same']
const words: Readonly<Record<Became, string>> = {
  refused: 'REFUSED',
  do: 'note',
  differs: 'differs',
  replaced: 'replaced',
  dropped: 'dropped',
  same: 'same',
}

/** The plan, a line for each thing, by ancestor. `accepted`: refusals that somebody waved through. */
export function planLines({ notes, copies, secrets }: MovePlan, accepted: ReadonlySet<string>): string[] {
  const groups = notes.flatMap(({ about, notes: list }) => [
    about,
    ...sorted(list).map((note) => lineOf(note, accepted)),
    '',
  ])
  const made = [
    ...copies.map(({ kind, from, name }) => `  ${kind} ${name}, a copy of ${from.namespace}/${from.name}`),
    ...Object.entries(secrets).map(([name, entries]) => `  Secret ${name}, with ${Object.keys(entries).join(', ')}`),
  ]
  return [...groups, ...(made.length > 0 ? ['Made beside Capstan', ...made, ''] : [])]
}

/** What trying everything that fluxd applied came to. */
export function rehearsalLines(rehearsal: {
  objects: readonly unknown[]
  changed: readonly string[]
  refused: readonly string[]
}): string[] {
  const { objects, changed, refused } = rehearsal
  const same = objects.length - changed.length - refused.length
  return [
    `Of ${objects.length} objects that fluxd applied ${same} stay as they are.`,
    ...(changed.length > 0 ? ['Changed, since the cluster is not as git says:', ...indented(changed)] : []),
    ...(refused.length > 0 ? ['Refused by the API server, each alone:', ...indented(refused)] : []),
  ]
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}

function sorted(notes: readonly Note[]): Note[] {
  return notes.toSorted((one, other) => order.indexOf(one.became) - order.indexOf(other.became))
}

function lineOf({ subject, became, text, accept = '' }: Note, accepted: ReadonlySet<string>): string {
  const isAccepted = became === 'refused' && accepted.has(accept)
  const word = isAccepted ? 'left out' : words[became]
  const how = became === 'refused' && !isAccepted && accept !== '' ? ` (--accept ${accept} goes on without it)` : ''
  return `  ${word.padEnd(8)}  ${subject}: ${text}${how}`
}
