import { type Document, parseDocument } from 'yaml'
import { manifestYaml } from '../manifest/go-yaml.ts'
import { createLines } from '../manifest/lines.ts'
import type { Json } from '../manifest/object.ts'
import { isTooDeep } from '../manifest/prescan.ts'
import { splitDocuments } from '../manifest/split.ts'
import { toJson } from '../manifest/to-json.ts'

/**
 * Something that kustomize would load: `base` a folder or file of objects, `plugin` a folder or file of generators or transformers,
 * `file` only ever a file.
 */
export type Reference = { path: string; as: 'base' | 'plugin' | 'file' }

/** What one file would load; or why it must not be built. */
export type References = { references: Reference[] } | { refusal: string }

const lists: Readonly<Record<string, Reference['as']>> = {
  resources: 'base',
  bases: 'base',
  components: 'base',
  crds: 'file',
  configurations: 'file',
  patchesstrategicmerge: 'file',
  generators: 'plugin',
  transformers: 'plugin',
  validators: 'plugin',
}
/** Fields of other entries that name files. `path` also stands in many places where it means a field of an object. */
const sources = ['files', 'env', 'envs']
const named: Readonly<Record<string, readonly string[]>> = {
  patches: ['path'],
  patchesjson6902: ['path'],
  replacements: ['path'],
  openapi: ['path'],
  configmapgenerator: sources,
  secretgenerator: sources,
}
const helmKeys = new Set(['helmcharts', 'helmglobals', 'helmchartinflationgenerator'])
const functionAnnotation = /^config\.(?:kubernetes|k8s)\.io\/function$/

/** What a kustomization loads. Keys count in any case, as for kustomize's own decoder. */
export function readKustomization(text: string): References {
  const read = readDocuments(text)
  if ('refusal' in read) return read
  if (read.documents.length > 1) return { refusal: 'a kustomization must be one YAML document' }
  const references: Reference[] = []
  for (const [key, value] of entriesOf(read.documents[0] ?? null)) {
    if (helmKeys.has(key) && !isEmpty(value)) return { refusal: `'${key}' runs helm, which kustomizations may not` }
    references.push(...filesNamedIn(value, named[key] ?? []))
    const as = lists[key]
    if (as === undefined) continue
    const inline = as === 'base' ? [] : textsOf(value).filter(isInline)
    references.push(...textsOf(value).flatMap((path) => (inline.includes(path) ? [] : [{ path, as }])))
    const plugins = as === 'plugin' ? readPlugins(inline.join('\n---\n')) : undefined
    if (plugins && 'refusal' in plugins) return plugins
    references.push(...(plugins?.references ?? []))
  }
  return { references }
}

/** What the generators, transformers or validators of a file load. Only kustomize's own are let through. */
export function readPlugins(text: string): References {
  const read = readDocuments(text)
  if ('refusal' in read) return read
  const references: Reference[] = []
  for (const document of read.documents) {
    const fields = new Map(entriesOf(document))
    const kind = textOf(fields.get('kind'))
    if (fields.size === 0) continue
    if (kind === 'HelmChartInflationGenerator') return { refusal: `a ${kind} runs helm, which kustomizations may not` }
    if (fields.get('apiversion') !== 'builtin')
      return { refusal: `'${kind}' is not one of kustomize's own generators and transformers; it would run a program` }
    if (hasFunction(document)) return { refusal: `'${kind}' asks for a program or a container to be run` }
    references.push(
      ...filesNamedIn(document, pluginFiles),
      ...filesNamedIn(fields.get('replacements') ?? null, ['path']),
    )
  }
  return { references }
}

const pluginFiles = ['path', 'paths', ...sources]

function readDocuments(text: string): { documents: Json[] } | { refusal: string } {
  const documents: Json[] = []
  const lineAt = createLines(text)
  for (const part of splitDocuments(text)) {
    if (isTooDeep(part.text)) return { refusal: 'nested too deeply' }
    const document = parseDocument(part.text, manifestYaml) as Document.Parsed
    const { value, refusals } = toJson(document)
    const [error] = document.errors
    // Without the parser's words: they may quote what a secretGenerator holds.
    if (error) return { refusal: `not valid YAML at line ${lineAt(part.offset + error.pos[0])}` }
    if (refusals[0]) return { refusal: refusals[0].message }
    documents.push(value)
  }
  return { documents }
}

/** Go's decoder folds case, also of the long s and the Kelvin sign; a key may so be there twice. */
function entriesOf(value: Json | undefined): [string, Json][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return []
  return Object.entries(value).map(([key, field]) => [key.toUpperCase().toLowerCase(), field])
}

/** The files that an entry, or each entry of a list, names in these fields. */
function filesNamedIn(value: Json, keys: readonly string[]): Reference[] {
  return (Array.isArray(value) ? value : [value]).flatMap(entriesOf).flatMap(([key, field]) =>
    keys.includes(key)
      ? textsOf(field)
          .filter((text) => !isInline(text))
          .map((text) => ({ path: key === 'files' ? fileOf(text) : text, as: 'file' }))
      : [],
  )
}

/** Of `key=path` the path. */
function fileOf(source: string): string {
  return source.slice(source.indexOf('=') + 1)
}

function hasFunction(document: Json): boolean {
  const metadata = entriesOf(document).filter(([key]) => key === 'metadata')
  const annotations = metadata.flatMap(([, value]) => entriesOf(value)).filter(([key]) => key === 'annotations')
  return annotations.some(([, value]) => entriesOf(value).some(([key]) => functionAnnotation.test(key)))
}

function textsOf(value: Json): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** Patches and plugins may stand in the list themselves instead of being named. */
function isInline(text: string): boolean {
  return text.includes('\n') || text.trimStart().startsWith('{')
}

function isEmpty(value: Json): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0)
}
