import { createHash } from 'node:crypto'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { parseDocument } from 'yaml'
import { valuesYaml } from '../manifest/go-yaml.ts'

export type Values = Record<string, unknown>

/**
 * A values document; undefined when it is not YAML or not a map. Of several documents the first counts, as in helm. The text itself is
 * never part of a message: it may be a Secret.
 */
export function parseValues(text: string): Values | undefined {
  const document = parseDocument(text, valuesYaml)
  if (document.errors.some(({ code }) => code !== 'MULTIPLE_DOCS')) return undefined
  try {
    const value: unknown = document.toJS({ maxAliasCount: 50 })
    if (value === null || value === undefined) return {}
    return isMap(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * Later wins; maps are merged key by key, anything else replaces, and a null stays, so that it deletes a default of the chart
 * (helm-operator §5). No given value is changed.
 */
export function mergeValues(layers: readonly Values[]): Values {
  let merged: Values = {}
  for (const layer of layers) merged = mergeTwo(merged, layer)
  return merged
}

function mergeTwo(under: Values, over: Values): Values {
  const result = new Map(Object.entries(under))
  for (const [key, value] of Object.entries(over)) {
    const below = result.get(key)
    result.set(key, isMap(below) && isMap(value) ? mergeTwo(below, value) : value)
  }
  return Object.fromEntries(result)
}

/** Fingerprint of values whatever the order of keys; the salt keeps it from being compared between releases. */
export function valuesDigest(values: Values, salt: string): string {
  return createHash('sha256').update(salt).update(canonicalJson(values)).digest('hex').slice(0, 40)
}

/**
 * Every text in the values, to be kept out of logs and messages when they come from a Secret: also numbers, and the single lines of
 * longer texts, since a message may quote one.
 */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value, ...linesOf(value)]
  if (typeof value === 'number' || typeof value === 'bigint') return [String(value)]
  if (Array.isArray(value)) return value.flatMap(textsIn)
  return isMap(value) ? Object.values(value).flatMap(textsIn) : []
}

/** Shorter ones are no secret of their own, and would blacken every message. */
const shortestLine = 12

function linesOf(text: string): string[] {
  if (!text.includes('\n')) return []
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.length >= shortestLine)
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
