// docs/reference.md: every field of our definitions, from their schemas.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

type Schema = {
  type?: string
  description?: string
  format?: string
  enum?: readonly unknown[]
  default?: unknown
  required?: readonly string[]
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
}

type Definition = {
  spec: {
    group: string
    names: { kind: string; plural: string; shortNames?: string[] }
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[]
  }
}

const introduction = `# Reference of Source and HelmRelease

<!-- Made from charts/capstan/crds/ by bin/schema-reference.test.ts; \`npm run test:unit -- -u bin\` writes it again. -->

Every field that the definitions know. \`[]\` is an entry of a list, \`*\` any key of a map. The API server checks types, values and patterns
when an object is written. How they work together: [sources](sources.md), [HelmReleases](helmreleases.md).
`

/** The whole page. `files`: paths of definitions (CRDs). */
export function schemaReference(files: readonly string[]): string {
  return [introduction, ...files.map((file) => sectionOf(parse(readFileSync(file, 'utf8')) as Definition))].join('\n')
}

function sectionOf({ spec: { group, names, versions } }: Definition): string {
  const parts = versions.map(({ name, schema: { openAPIV3Schema: schema } }) => {
    const { spec, status } = schema.properties ?? {}
    return [
      `## ${names.kind} (\`${group}/${name}\`)`,
      '',
      schema.description ?? '',
      '',
      ...tableOf('spec', spec),
      ...tableOf('status', status),
    ].join('\n')
  })
  return parts.join('\n')
}

function tableOf(name: string, schema: Schema | undefined): string[] {
  if (!schema) return []
  const rows = rowsOf('', schema)
  return [`### ${name}`, '', '| field | type | what it does |', '| --- | --- | --- |', ...rows, '']
}

function rowsOf(path: string, schema: Schema): string[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = path === '' ? name : `${path}.${name}`
    const isRequired = schema.required?.includes(name) ?? false
    return [rowOf(here, field, isRequired), ...rowsOf(here, field)]
  })
  if (schema.items) inner.push(...rowsOf(`${path}[]`, schema.items))
  if (typeof schema.additionalProperties === 'object') inner.push(...rowsOf(`${path}.*`, schema.additionalProperties))
  return inner
}

function rowOf(path: string, field: Schema, isRequired: boolean): string {
  const notes = [
    isRequired ? 'Required.' : '',
    oneLine(field.description ?? ''),
    field.enum ? `One of ${field.enum.map((one) => `\`${String(one)}\``).join(', ')}.` : '',
    field.default === undefined ? '' : `Default: \`${JSON.stringify(field.default)}\`.`,
  ]
  return `| \`${path}\` | ${typeOf(field)} | ${notes.filter((note) => note !== '').join(' ')} |`
}

function typeOf({ type = 'any', format, items, additionalProperties }: Schema): string {
  if (type === 'array') return `list of ${items?.type ?? 'any'}`
  if (type === 'object' && typeof additionalProperties === 'object')
    return `map of ${additionalProperties.type ?? 'any'}`
  return format ? `${type} (${format})` : type
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().replaceAll('|', '\\|')
}
