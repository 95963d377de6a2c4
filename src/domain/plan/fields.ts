import { type FieldPath, isMap, locate, type Step, stepInto } from './field-path.ts'

/**
 * A set of fields: `managedFields[].fieldsV1` (structured-merge-diff) as a tree. `owned`: the field itself is a member, which
 * fieldsV1 writes as `{}` or, where members are below it too, as `.`. Children are keyed as there: `f:name`, `k:{…}`, `v:…`, `i:0`.
 */
export type FieldSet = { readonly owned: boolean; readonly children: ReadonlyMap<string, FieldSet> }

export const noFields: FieldSet = { owned: false, children: new Map() }

/** A fieldsV1; anything that is none counts as no fields. */
export function readFields(fieldsV1: unknown): FieldSet {
  if (!isMap(fieldsV1)) return noFields
  const children = Object.entries(fieldsV1).filter(([text]) => text !== '.')
  return {
    owned: '.' in fieldsV1,
    children: new Map(children.map(([text, child]) => [text, readNode(child)])),
  }
}

function readNode(value: unknown): FieldSet {
  const node = readFields(value)
  return node.children.size === 0 ? { ...node, owned: true } : node
}

/** As fieldsV1. */
export function writeFields({ owned, children }: FieldSet): Record<string, unknown> {
  const entries = [...children].map(([text, child]) => [text, writeFields(child)] as const)
  return Object.fromEntries(owned && entries.length > 0 ? [['.', {}], ...entries] : entries)
}

export function isEmpty({ owned, children }: FieldSet): boolean {
  return !owned && children.size === 0
}

/** A set from parts, without branches that hold nothing. */
export function fieldSet(owned: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  return { owned, children: new Map([...children].filter(([, child]) => !isEmpty(child))) }
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map(a.children)
  for (const [text, child] of b.children) {
    const mine = children.get(text)
    children.set(text, mine ? union(mine, child) : child)
  }
  return { owned: a.owned || b.owned, children }
}

/** What is in `a` and not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const children = [...a.children].map(([text, child]): [string, FieldSet] => {
    const other = b.children.get(text)
    return [text, other ? difference(child, other) : child]
  })
  return fieldSet(a.owned && !b.owned, children)
}

/** Parts the fields that a value has from those that it does not have; null counts as not there. */
export function partition(set: FieldSet, value: unknown): { inside: FieldSet; outside: FieldSet } {
  const inside: [string, FieldSet][] = []
  const outside: [string, FieldSet][] = []
  for (const [text, child] of set.children) {
    const found = stepInto(value, stepOf(text))
    if (found === undefined || found === null) {
      outside.push([text, child])
      continue
    }
    const parts = partition(child, found)
    inside.push([text, parts.inside])
    outside.push([text, parts.outside])
  }
  return { inside: fieldSet(set.owned, inside), outside: fieldSet(false, outside) }
}

/** Every member, parents first. */
export function pathsOf(set: FieldSet, above: FieldPath = []): FieldPath[] {
  const below = [...set.children].flatMap(([text, child]) => pathsOf(child, [...above, stepOf(text)]))
  return set.owned && above.length > 0 ? [above, ...below] : below
}

/** The members that have no member below them: what people call a field. */
export function leavesOf(set: FieldSet, above: FieldPath = []): FieldPath[] {
  if (set.children.size === 0) return set.owned && above.length > 0 ? [above] : []
  return [...set.children].flatMap(([text, child]) => leavesOf(child, [...above, stepOf(text)]))
}

/** Where a path meets a set: what it names is in it, whole or in part; or it ends inside of one field that has no parts. */
export type Meeting = { kind: 'found'; steps: string[] } | { kind: 'inside one field' } | { kind: 'nothing' }

/** `value` is the object of the set; it says which item a place in a list is. */
export function meet(set: FieldSet, path: FieldPath, value: unknown): Meeting {
  const steps: string[] = []
  let at = set
  let inner = value
  for (const step of path) {
    // an item with no fields below it is a member by its keys alone
    if (at.owned && at.children.size === 0 && !steps.at(-1)?.startsWith('k:')) return { kind: 'inside one field' }
    const text = childFor(at, step, inner)
    const child = text === undefined ? undefined : at.children.get(text)
    if (text === undefined || !child) return { kind: 'nothing' }
    steps.push(text)
    at = child
    inner = stepInto(inner, step)
  }
  return { kind: 'found', steps }
}

function childFor(set: FieldSet, step: Step, value: unknown): string | undefined {
  if ('key' in step) return `f:${step.key}`
  if (isMap(value)) return 'index' in step ? `f:${step.index}` : undefined
  const at = locate(value, step)
  const texts = [...set.children.keys()]
  return texts.find((text) => at !== undefined && locate(value, stepOf(text)) === at)
}

/** Takes one branch out of a set. */
export function cutBranch(set: FieldSet, steps: readonly string[]): { cut: FieldSet; rest: FieldSet } {
  const [text, ...below] = steps
  if (text === undefined) return { cut: set, rest: noFields }
  const child = set.children.get(text)
  if (!child) return { cut: noFields, rest: set }
  const parts = cutBranch(child, below)
  const others = [...set.children].filter(([other]) => other !== text)
  return {
    cut: fieldSet(false, [[text, parts.cut]]),
    rest: fieldSet(set.owned, [...others, [text, parts.rest]]),
  }
}

/** A step of fieldsV1 as a step of a path. */
export function stepOf(text: string): Step {
  const rest = text.slice(2)
  switch (text.slice(0, 2)) {
    case 'k:':
      return { keys: JSON.parse(rest) as Record<string, unknown> }
    case 'v:':
      return { value: JSON.parse(rest) }
    case 'i:':
      return { index: Number(rest) }
    default:
      return { key: rest }
  }
}
