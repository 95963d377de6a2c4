import type { PlannedValue } from '../plan/plan.ts'
import type { Values } from './values.ts'

/** Values of one source. `source`: as people know it. Values of a secret layer are never shown. */
export type ValuesLayer = { source: string; isSecret: boolean; values: Values }

const mask = '*****'
const longestValue = 200

/** Every value with its source, in the order of their paths. Lists are one value, as they are never merged (helm-operator §5). */
export function explainValues(layers: readonly ValuesLayer[]): PlannedValue[] {
  const found = new Map<string, PlannedValue>()
  for (const layer of layers) put(layer.values, '', layer, found)
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function put(values: Values, at: string, layer: ValuesLayer, found: Map<string, PlannedValue>): void {
  for (const [key, value] of Object.entries(values)) {
    const path = at + key.replace(/[\\.]/g, '\\$&')
    if (isMap(value) && Object.keys(value).length > 0) {
      // what stood here is no map, or an empty one
      found.delete(path)
      put(value, `${path}.`, layer, found)
    } else replace(path, value, layer, found)
  }
}

/** What is no map replaces all that stood here and below; an empty map leaves what is below. */
function replace(
  path: string,
  value: unknown,
  { source, isSecret }: ValuesLayer,
  found: Map<string, PlannedValue>,
): void {
  const below = [...found.keys()].filter((one) => one.startsWith(`${path}.`))
  if (isMap(value) && below.length > 0) return
  const before = [...below, path].flatMap((one) => found.get(one) ?? [])
  for (const one of below) found.delete(one)
  const over = [...new Set(before.flatMap((one) => [...one.over, one.source]))].filter((one) => one !== source)
  found.set(path, { path, value: isSecret ? mask : shorten(JSON.stringify(value) ?? 'null'), source, over })
}

function shorten(text: string): string {
  return text.length > longestValue ? `${text.slice(0, longestValue)}… (${text.length} characters)` : text
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
