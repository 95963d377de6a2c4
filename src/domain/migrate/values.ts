import { stringify } from 'yaml'
import { parseDuration } from '../../lib/duration.ts'
import type { Json } from '../manifest/object.ts'
import { type Note, type Part, refusal, told } from './part.ts'

/** Values of the chart. */
export type Values = { [key: string]: Json }

/** One tree of values by dotted paths; lists and maps that are given again are joined. */
export function valuesTree(values: Required<Part>['values']): Values {
  let tree: Values = {}
  for (const [path, value] of values) {
    const nested = path.split('.').reduceRight<Json>((inner, key) => ({ [key]: inner }), value)
    tree = merged(tree, nested as Values, () => {}).tree
  }
  return tree
}

/**
 * The values of an installation that has the other half already, with this half in it (ruling 20). One flag stands for both where the
 * ancestors had it twice (ruling 6.6): the shorter interval and the longer timeout count, else what is installed stays, and it is told.
 */
export function withOtherHalf(installed: Values, half: Values): { values: Values; notes: Note[] } {
  const notes: Note[] = []
  const { tree } = merged(installed, half, (path, one, other) => {
    if (oneOnly.test(path)) {
      const text = `each ancestor has its own, ${show(one)} and ${show(other)}, and Capstan has one: put all that is in them into one`
      notes.push(...(refusal(`value ${path}`, path, text).notes ?? []))
      return one
    }
    const kept = choose(path, one, other)
    const text = `both had it, and there is one: ${show(kept)} counts, in place of ${show(kept === one ? other : one)}`
    notes.push(...(told(`value ${path}`, 'differs', text).notes ?? []))
    return kept
  })
  return { values: tree, notes }
}

/** What either ancestor does without the flag (flux-v1 §26, helm-operator §8.1). */
const sharedDefaults = { pollInterval: '5m', timeout: '20s' }

/** Halves that are to be one: where one gave a flag that the other has too, the other's default stands for what it did not give. */
export function withSharedDefaults(halves: readonly Values[]): Values[] {
  const given = Object.entries(sharedDefaults).filter(([name]) =>
    halves.some(({ git }) => isMap(git) && git[name] !== undefined),
  )
  if (given.length === 0) return [...halves]
  return halves.map((half) => ({
    ...half,
    git: { ...Object.fromEntries(given), ...(isMap(half.git) ? half.git : {}) },
  }))
}

/** As a file: YAML with a line that says where it is from. */
export function valuesFile(values: Values, heading: string): string {
  return `${heading
    .split('\n')
    .map((line) => `# ${line}`)
    .join('\n')}\n${stringify(values, { lineWidth: 0 })}`
}

/** Secrets and files of which Capstan has one: leaving one out would lose rights. */
const oneOnly = /(secretName|SecretName|configMapName|knownHosts|serviceAccount\..*)$/

type Chosen = (path: string, one: Json, other: Json) => Json | void

function merged(one: Values, other: Values, choice: Chosen, path = ''): { tree: Values } {
  const tree: Values = { ...one }
  for (const [key, value] of Object.entries(other)) {
    const at = path === '' ? key : `${path}.${key}`
    const before = tree[key]
    if (before === undefined || before === null) tree[key] = value
    else if (isMap(before) && isMap(value)) tree[key] = merged(before, value, choice, at).tree
    else if (Array.isArray(before) && Array.isArray(value)) tree[key] = unique([...before, ...value])
    else if (JSON.stringify(before) !== JSON.stringify(value)) tree[key] = choice(at, before, value) ?? value
  }
  return { tree }
}

function choose(path: string, one: Json, other: Json): Json {
  if (path === 'clusterRole.create') return one === true ? one : other
  const [first, second] = [one, other].map((value) => (typeof value === 'string' ? parseDuration(value) : undefined))
  if (first === undefined || second === undefined) return one
  if (/[iI]nterval$/.test(path)) return first <= second ? one : other
  return /[tT]imeout$/.test(path) && second > first ? other : one
}

function unique(list: readonly Json[]): Json[] {
  return [...new Map(list.map((one) => [JSON.stringify(one), one])).values()]
}

function isMap(value: Json | undefined): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
