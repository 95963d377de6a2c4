import { type EventType, eventTypes, type Severity, severities } from './event.ts'
import type { EventFilter } from './filter.ts'
import { templateProblem } from './template.ts'
import { upstreamTypes } from './upstream.ts'

export const sinkTypes = [
  'webhook',
  'slack',
  'teams',
  'discord',
  'alertmanager',
  'github',
  'gitlab',
  'upstream',
] as const
export type SinkType = (typeof sinkTypes)[number]

/** A text that may be secret: itself, or the file in which it is, read at each use. */
export type SecretText = { value: string } | { file: string }

/** Where events are sent. */
export type Sink = {
  /** `[a-z0-9-]`; names its job. */
  name: string
  type: SinkType
  /** May hold a secret (Slack, Teams, Discord). */
  url: SecretText
  /** Of GitHub, GitLab and upstream; of others, where given, a bearer token. */
  token?: SecretText
  /** Signs the body of a webhook. */
  secret?: SecretText
  /** Certificate authority of its server, PEM. */
  ca?: SecretText
  /** `owner/name` at GitHub, path of the project at GitLab. */
  repository: string
  /** For people; empty: the message as it is. */
  template: string
  filter: EventFilter
}

/** What a type needs, its usual URL, and the types of events that it can do something with; all where none are named. */
type Needs = { url?: string; token?: true; secret?: true; repository?: true; types?: readonly EventType[] }

const needs: Readonly<Record<SinkType, Needs>> = {
  webhook: { secret: true },
  slack: {},
  teams: {},
  discord: {},
  alertmanager: { types: ['sync', 'error', 'helm_release'] },
  github: { url: 'https://api.github.com', token: true, repository: true, types: ['sync'] },
  gitlab: { url: 'https://gitlab.com', token: true, repository: true, types: ['sync'] },
  upstream: { types: upstreamTypes },
}

/**
 * What becomes of an event that waited so long that it is no news any more. `left-out`: a sink that comes back is not flooded. `tried`:
 * left out where the sink refuses it, since the next one has an address of its own. `sent`: only that ends what an earlier one began.
 */
export function ageRuleOf(type: SinkType): 'left-out' | 'tried' | 'sent' {
  if (type === 'alertmanager') return 'sent'
  return type === 'github' || type === 'gitlab' ? 'tried' : 'left-out'
}

const known = ['name', 'type', 'repository', 'template', 'types', 'severity', 'sources', 'namespaces']
const secretNames = ['url', 'token', 'secret', 'ca'] as const
const allKeys = [...known, ...secretNames.flatMap((name) => [name, `${name}File`])]
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

type Fields = Record<string, unknown>

/** The sinks in a parsed file, `sinks: [...]`, and everything that is wrong with it, as sentences that repeat no value. */
export function readSinks(file: unknown): { sinks: Sink[]; problems: string[] } {
  const { sinks: list, ...others } = (typeof file === 'object' && file !== null ? file : {}) as Fields
  if (!Array.isArray(list) || Object.keys(others).length > 0)
    return { sinks: [], problems: ['it must hold a list named sinks, and nothing else'] }
  const problems: string[] = []
  const sinks: Sink[] = []
  for (const [at, one] of (list as unknown[]).entries()) {
    const fields = (typeof one === 'object' && one !== null ? one : {}) as Fields
    const where = typeof fields.name === 'string' && fields.name !== '' ? `sink ${fields.name}` : `sink ${at + 1}`
    const wrong = problemsOf(fields)
    if (sinks.some(({ name }) => name === fields.name)) wrong.push('another one has the same name')
    problems.push(...wrong.map((problem) => `${where}: ${problem}`))
    if (wrong.length === 0) sinks.push(sinkOf(fields))
  }
  return { sinks, problems }
}

/** fluxd's `--connect`: a service that gets events as fluxd sends them. The address may begin with ws, as a websocket's. */
export function upstreamSink(connect: string, token: string): Sink {
  return sinkOf({ name: 'upstream', type: 'upstream', url: connect.replace(/^ws(s?):/i, 'http$1:'), token })
}

function problemsOf(fields: Fields): string[] {
  const { name, type } = fields
  const unknown = Object.keys(fields).filter((key) => !allKeys.includes(key))
  const problems = unknown.map((key) => `${key} is no field of a sink`)
  if (typeof name !== 'string' || !namePattern.test(name))
    problems.push('name must be of small letters, digits and dashes')
  if (!isType(type)) return [...problems, `type must be one of ${sinkTypes.join(', ')}`]
  return [...problems, ...addressProblems(fields, type), ...filterProblems(fields, needs[type].types ?? eventTypes)]
}

function addressProblems(fields: Fields, type: SinkType): string[] {
  const { repository, template } = fields
  const { url, token, secret, repository: needsRepository } = needs[type]
  const problems = [
    ...secretProblems('url', fields, url === undefined),
    ...secretProblems('token', fields, token === true),
    ...secretProblems('secret', fields, secret === true),
    ...secretProblems('ca', fields, false),
  ]
  if (typeof fields.url === 'string' && !/^https?:\/\/[^/]/.test(fields.url))
    problems.push('url must begin with http:// or https://')
  if (needsRepository && !isText(repository)) problems.push('repository is missing')
  if (!needsRepository && repository !== undefined) problems.push(`repository means nothing to ${type}`)
  if (template === undefined) return problems
  const wrong = typeof template === 'string' ? templateProblem(template) : 'it must be a text'
  return wrong ? [...problems, `template: ${wrong}`] : problems
}

function filterProblems({ types, severity, sources, namespaces }: Fields, possible: readonly EventType[]): string[] {
  const problems: string[] = []
  if (types !== undefined && !isListOf(types, (one) => possible.some((word) => word === one)))
    problems.push(`types must be of ${possible.join(', ')}`)
  if (severity !== undefined && !severities.some((word) => word === severity))
    problems.push(`severity must be one of ${severities.join(', ')}`)
  for (const [key, list] of Object.entries({ sources, namespaces }))
    if (list !== undefined && !isListOf(list, isText)) problems.push(`${key} must be a list of names`)
  return problems
}

function secretProblems(key: string, fields: Fields, isNeeded: boolean): string[] {
  const [value, file] = [fields[key], fields[`${key}File`]]
  const isWrong = [value, file].some((one) => one !== undefined && !isText(one))
  if (isWrong) return [`${key} and ${key}File must be texts`]
  if (value !== undefined && file !== undefined) return [`give ${key} or ${key}File, not both`]
  return isNeeded && !given(fields, key) ? [`${key} or ${key}File is missing`] : []
}

function given(fields: Fields, key: string): boolean {
  return isText(fields[key]) || isText(fields[`${key}File`])
}

function sinkOf(fields: Fields): Sink {
  const type = fields.type as SinkType
  const { repository, template, types, severity, sources, namespaces } = fields
  const usual = needs[type]
  const secrets = secretNames.map((key) => [key, secretOf(fields, key)] as const)
  return {
    name: fields.name as string,
    type,
    url: { value: usual.url ?? '' },
    ...Object.fromEntries(secrets.filter(([, secret]) => secret !== undefined)),
    repository: (repository as string | undefined) ?? '',
    template: (template as string | undefined) ?? '',
    filter: {
      types: (types as EventType[] | undefined) ?? usual.types,
      severity: severity as Severity | undefined,
      sources: sources as string[] | undefined,
      namespaces: namespaces as string[] | undefined,
    },
  }
}

function secretOf(fields: Fields, key: string): SecretText | undefined {
  const [value, file] = [fields[key], fields[`${key}File`]]
  if (isText(value)) return { value }
  return isText(file) ? { file } : undefined
}

function isType(value: unknown): value is SinkType {
  return sinkTypes.some((type) => type === value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isListOf(value: unknown, is: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is)
}
