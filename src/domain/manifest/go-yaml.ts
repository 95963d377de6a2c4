import {
  type CollectionTag,
  type DocumentOptions,
  type ParseOptions,
  type ScalarTag,
  Schema,
  type SchemaOptions,
} from 'yaml'

const intTag = 'tag:yaml.org,2002:int'
const floatTag = 'tag:yaml.org,2002:float'
const timestampTag = 'tag:yaml.org,2002:timestamp'

/** How the `yaml` package must read: pass it whole to its parse functions, and to stringify to have `yes` or `0644` quoted. */
export type GoYaml = ParseOptions & DocumentOptions & SchemaOptions

const goFloat: ScalarTag = {
  tag: floatTag,
  default: true,
  identify: (value) => typeof value === 'number',
  test: /^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]+)?$/,
  resolve(source) {
    const value = Number(source.replaceAll('_', ''))
    // Go keeps what overflows as text: `59e800` may well be a short commit id.
    return Number.isFinite(value) ? value : source
  },
  stringify: ({ value }) => String(value),
}

/**
 * Reads scalars as kubectl does (Go's YAML, a mix of 1.1 and 1.2): `yes` is true, `0644` is octal, dates stay text, `e1234567`
 * stays text, `<<` merges. Integers that a double cannot hold are bigint (ruling W19). Flux-v1 §4, hazard G6.
 */
export const manifestYaml: GoYaml = goYaml('exact')

/** The same for Helm values, where helm itself turns every number into a double (ruling W19). */
export const valuesYaml: GoYaml = goYaml('double')

function goYaml(integers: 'exact' | 'double'): GoYaml {
  const schema = new Schema({
    schema: 'yaml-1.1',
    resolveKnownTags: false,
    merge: true,
    customTags: (tags) => [...tags.filter(isGoTag), goInteger(integers), goFloat],
  })
  // One schema for all documents: making one for each costs more than a small document itself.
  return {
    version: '1.1',
    schema,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'silent',
  }
}

/** YAML 1.1's own numbers (sexagesimal, no digits needed) and dates are not Go's; infinity and NaN are. */
function isGoTag(tag: unknown): boolean {
  const { tag: name, test } = tag as ScalarTag | (CollectionTag & { test?: RegExp })
  if (name === intTag || name === timestampTag) return false
  return name !== floatTag || (test !== undefined && /inf|nan/i.test(test.source))
}

function goInteger(integers: 'exact' | 'double'): ScalarTag {
  return {
    tag: intTag,
    default: true,
    identify: (value) => typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value)),
    test: /^[-+]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|[0-9][0-9_]*)$/,
    resolve: (source) => readInteger(source, integers),
    stringify: ({ value }) => String(value),
  }
}

function readInteger(source: string, integers: 'exact' | 'double'): number | bigint {
  const plain = source.replaceAll('_', '')
  const negative = plain.startsWith('-')
  const digits = plain.replace(/^[-+]/, '')
  const octal = /^0[oO]?([0-7]+)$/.exec(digits)?.[1]
  const literal = octal === undefined ? digits.replace(/^0+(?=[0-9])/, '').toLowerCase() : `0o${octal}`
  const value = Number(literal)
  if (Number.isSafeInteger(value)) return negative ? -value : value
  const exact = BigInt(literal)
  const signed = negative ? -exact : exact
  if (integers === 'exact' && fits64Bits(signed)) return signed
  // Go reads what overflows 64 bits as a decimal float, leading zero or not.
  return octal !== undefined && !fits64Bits(signed) && !/[oO]/.test(digits) ? Number(plain) : Number(signed)
}

function fits64Bits(value: bigint): boolean {
  return value >= -(2n ** 63n) && value < 2n ** 64n
}
