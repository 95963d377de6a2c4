import type { KubeObject } from '../manifest/object.ts'
import type { Problem } from '../manifest/problem.ts'
import { parseConstraint } from '../semver/constraint.ts'
import { type Fields, fieldsOf } from './fields.ts'
import { gitUrlProblem } from './git-url.ts'
import { isRefName } from './ref-name.ts'
import type { Suspension } from '../status/suspension.ts'
import type { GitRef, IgnoreRule, SourceSpec } from './spec.ts'

/** The kind of objects that are sources. */
export const sourceKind = { apiVersion: 'capstan.dev/v1alpha1', kind: 'Source' } as const
/** Whoever changes it asks for a sync: `kubectl annotate source NAME capstan.dev/requested-at="$(date)" --overwrite`. */
export const requestAnnotation = 'capstan.dev/requested-at'

/** What a Source object does not say, and what it may not say. */
export type SourceDefaults = {
  pollIntervalMs: number
  syncIntervalMs: number
  syncTimeoutMs: number
  waitTimeoutMs: number
  /** Account of every Source that names none; empty for Capstan's own rights. */
  serviceAccount: string
  /** Whether `spec.generate` may be true: it runs commands from git beside our credentials. */
  mayGenerate: boolean
  /** Every Source needs an account, names nothing of other namespaces and brings no cluster-wide objects (tenant mode). */
  areTenants: boolean
  /** What a source may hold at most (ruling 15); no Source may raise it. */
  maxBytes: number
  maxObjects: number
}

/** Our own defaults, not fluxd's (three layers of defaults). */
export const sourceDefaults: SourceDefaults = {
  pollIntervalMs: 60_000,
  syncIntervalMs: 300_000,
  syncTimeoutMs: 60_000,
  waitTimeoutMs: 300_000,
  serviceAccount: '',
  mayGenerate: false,
  areTenants: false,
  maxBytes: 200_000_000,
  maxObjects: 100_000,
}

/**
 * Reads a Source object. Nothing in it is trusted, not even that its definition has checked it: one problem names every field that
 * cannot be used, and then there is no spec at all, so that no half of it is applied.
 */
export function readSource(
  object: KubeObject,
  defaults: SourceDefaults,
): { spec: SourceSpec; problem?: undefined } | { spec?: undefined; problem: Problem } {
  const { name, namespace = '', uid = '', generation = 0, annotations } = object.metadata
  const fields = fieldsOf(object.spec, 'spec')
  const ref = readRef(fields)
  const { problems } = fields
  const spec: SourceSpec = {
    namespace,
    name,
    origin: 'resource',
    url: readUrl(fields),
    ref,
    branch: ref.kind === 'branch' ? ref.value : '',
    ...readFiles(fields, defaults),
    maxBytes: defaults.maxBytes,
    maxObjects: defaults.maxObjects,
    namespacedOnly: defaults.areTenants,
    ...readTiming(fields, defaults),
    ...readPlaces(fields, namespace, defaults),
    prune: fields.flag('prune', true),
    pruneDry: false,
    verify: fields.choice('verify', ['none', 'all', 'first-parent']),
    syncState: 'cluster',
    syncTag: 'flux-sync',
    notesRef: 'flux',
    readonly: fields.flag('readonly', false),
    drift: fields.choice('drift', ['correct', 'warn', 'off']),
    ignore: fields.maps('ignore').map(readIgnore),
    overruleAutoscalers: fields.flag('overruleAutoscalers', false),
    dependsOn: readDependencies(fields, { namespace, name }, defaults),
    suspended: readSuspension(fields),
    secretName: readSecretName(fields),
    object: { uid, generation, request: annotations?.[requestAnnotation] ?? '' },
  }
  return problems.length === 0 ? { spec } : { problem: problemOf({ namespace, name }, problems.join('; ')) }
}

/** Something that keeps a Source object from being used. */
export function problemOf({ namespace, name }: { namespace: string; name: string }, message: string): Problem {
  return { reason: 'InvalidSource', file: '', line: 0, id: `${namespace}:source/${name}`, message }
}

function readUrl(fields: Fields): string {
  const url = fields.text('url', (text) => gitUrlProblem(text) ?? passwordProblem(text))
  if (!fields.has('url')) fields.refuse('url', 'is missing')
  return url
}

/** Everybody who may look at Sources could read it there. */
function passwordProblem(url: string): string | undefined {
  return /^https?:\/\/[^/?#]*@|^ssh:\/\/[^/?#@]*:[^/?#]*@/i.test(url)
    ? 'must hold no user name or password; put them into a Secret and name it in secretRef'
    : undefined
}

const refKinds = ['branch', 'tag', 'semver', 'commit'] as const

function readRef(fields: Fields): GitRef {
  const ref = fields.map('ref')
  const given = refKinds.filter((kind) => ref.has(kind))
  const [kind = 'branch'] = given
  if (given.length !== 1) ref.refuse('', `must have exactly one of ${refKinds.join(', ')}`)
  return { kind, value: ref.text(kind, refRules[kind]) }
}

const refRules = {
  branch: (text) => (isRefName(text) ? undefined : 'is not a valid name of a branch'),
  tag: (text) => (isRefName(text) ? undefined : 'is not a valid name of a tag'),
  semver: (text) => (text.length <= 128 && parseConstraint(text) ? undefined : 'is not a range of versions'),
  commit: (text) => (/^[0-9a-f]{40}$/.test(text) ? undefined : 'must be the 40 characters of a commit'),
} as const satisfies Record<GitRef['kind'], (text: string) => string | undefined>

function readFiles(fields: Fields, { mayGenerate, areTenants }: SourceDefaults) {
  const generate = fields.flag('generate', false)
  const render = fields.choice('render', ['auto', 'kustomize', 'plain'])
  if (generate && !mayGenerate)
    fields.refuse(
      'generate',
      'needs --manifest-generation at capstan run, and no --tenants, since it runs commands from git',
    )
  if (generate && fields.has('render') && render !== 'plain')
    fields.refuse('render', 'must be plain or absent where generate is true')
  return {
    paths: fields.texts('paths', pathProblem),
    include: fields.texts('include', patternProblem),
    exclude: fields.texts('exclude', patternProblem),
    excludeResources: fields.texts('excludeResources', (text) => (text === '' ? 'is empty' : undefined)),
    generate,
    render: generate ? 'plain' : render,
    ...readDecryption(fields, areTenants),
  } as const
}

/** The keys of Capstan open nothing of strangers, who could have any file opened that they can read somewhere. */
function readDecryption(fields: Fields, areTenants: boolean) {
  const gitSecret = fields.flag('gitSecret', false)
  if (gitSecret && areTenants) fields.refuse('gitSecret', 'uses the keyring of Capstan, which --tenants does not allow')
  if (!fields.has('decryption')) {
    const sops = fields.flag('sops', false)
    return { sops, sopsKeys: areTenants ? 'none' : 'operator', sopsSecretName: '', gitSecret } as const
  }
  if (!fields.flag('sops', true)) fields.refuse('sops', 'must be true or absent where decryption is given')
  const decryption = fields.map('decryption')
  decryption.choice('provider', ['sops'])
  const secret = decryption.map('secretRef')
  if (!secret.has('name')) secret.refuse('name', 'is missing')
  return { sops: true, sopsKeys: 'secret', sopsSecretName: secret.text('name', nameProblem), gitSecret } as const
}

function pathProblem(path: string): string | undefined {
  if (path.startsWith('/')) return 'must not be absolute'
  return path.startsWith('-') ? 'must not begin with a dash' : patternProblem(path)
}

function patternProblem(pattern: string): string | undefined {
  if (pattern === '') return 'is empty'
  return pattern.split('/').includes('..') ? 'must not hold `..`' : undefined
}

function readTiming(fields: Fields, defaults: SourceDefaults) {
  return {
    pollIntervalMs: fields.duration('interval', defaults.pollIntervalMs),
    syncIntervalMs: fields.duration('syncInterval', defaults.syncIntervalMs),
    syncTimeoutMs: fields.duration('timeout', defaults.syncTimeoutMs),
    wait: fields.flag('wait', false),
    waitTimeoutMs: fields.duration('waitTimeout', defaults.waitTimeoutMs),
  }
}

function readPlaces(fields: Fields, namespace: string, defaults: SourceDefaults) {
  if (defaults.areTenants && !fields.has('serviceAccountName') && defaults.serviceAccount === '')
    fields.refuse('serviceAccountName', 'is missing; with --tenants no Source has the rights of Capstan itself')
  return {
    allowedNamespaces: fields.texts('allowedNamespaces', labelProblem),
    defaultNamespace: fields.text('defaultNamespace', labelProblem) || namespace,
    targetNamespace: fields.text('targetNamespace', labelProblem),
    serviceAccount: fields.text('serviceAccountName', nameProblem) || defaults.serviceAccount,
  }
}

function labelProblem(text: string): string | undefined {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) ? undefined : 'is not the name of a namespace'
}

function nameProblem(text: string): string | undefined {
  return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(text) ? undefined : 'is not a name that Kubernetes accepts'
}

function readDependencies(
  fields: Fields,
  own: { namespace: string; name: string },
  { areTenants }: SourceDefaults,
): SourceSpec['dependsOn'] {
  return fields.maps('dependsOn').map((other) => {
    const name = other.text('name', nameProblem)
    const namespace = other.text('namespace', labelProblem) || own.namespace
    if (!other.has('name')) other.refuse('name', 'is missing')
    if (areTenants && namespace !== own.namespace) other.refuse('namespace', 'must be its own, with --tenants')
    if (name === own.name && namespace === own.namespace) other.refuse('name', 'must not name the Source itself')
    return { namespace, name }
  })
}

function readIgnore(rule: Fields): IgnoreRule {
  const pointers = rule.texts('pointers', (text) =>
    /^(?:\/(?:[^/~]|~[01])*)+$/.test(text) ? undefined : 'is not a JSON pointer, such as /spec/replicas',
  )
  if (pointers.length === 0) rule.refuse('pointers', 'is missing or empty')
  const only = (['kind', 'name', 'namespace'] as const).flatMap((field) => {
    const text = rule.text(field)
    return text === '' ? [] : [[field, text] as const]
  })
  return { pointers, ...Object.fromEntries(only) }
}

function readSuspension(fields: Fields): Suspension | undefined {
  if (!fields.has('suspend')) return undefined
  const suspend = fields.map('suspend')
  return { by: suspend.text('by'), why: suspend.text('why'), since: suspend.text('since') }
}

function readSecretName(fields: Fields): string {
  if (!fields.has('secretRef')) return ''
  const secret = fields.map('secretRef')
  if (!secret.has('name')) secret.refuse('name', 'is missing')
  return secret.text('name', nameProblem)
}
