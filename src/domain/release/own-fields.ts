import { readRollback, rollbackAnnotation, type RollbackRequest } from './rollback-request.ts'
import { readSuspension, type Suspension } from '../status/suspension.ts'
import { textOf } from '../../lib/raw.ts'

/** Something that must be ready before a release is installed or upgraded. */
export type Dependency = { kind: 'HelmRelease' | 'Source'; namespace: string; name: string }

/** What Capstan adds to the Operator's spec. */
export type OwnFields = {
  suspended: Suspension | undefined
  dependsOn: readonly Dependency[]
  /** Make the target namespace where it is missing. */
  createNamespace: boolean
  /** ServiceAccount in the namespace of the HelmRelease, whose rights are used; empty for Capstan's own. */
  serviceAccount: string
  /** Somebody's wish to go back to a revision; only ever an annotation. */
  rollbackRequest: RollbackRequest | undefined
}

/** Before the name of each annotation that stands for a field of ours, where the served definition has none (ruling 1). */
const prefix = 'capstan.dev/'
/** Stands for spec.suspend where the served definition is the Operator's and has no such field (ruling 1). */
export const suspendAnnotation = `${prefix}suspend`

type Raw = Record<string, unknown>

/** Each field of ours by the spec, else by the annotation of its name. What has the wrong type counts as absent. */
export function readOwnFields(
  spec: Raw,
  { namespace, annotations = {} }: { namespace: string; annotations?: Record<string, string> | undefined },
): OwnFields {
  const { suspend, dependsOn, createNamespace, serviceAccountName } = spec
  return {
    suspended: readSuspend(suspend) ?? readSuspension(annotations[suspendAnnotation]),
    dependsOn: Array.isArray(dependsOn)
      ? dependsOn.flatMap((entry) => readDependency(entry, namespace))
      : parseDependencies(annotations[`${prefix}dependsOn`] ?? '', namespace),
    createNamespace:
      typeof createNamespace === 'boolean' ? createNamespace : annotations[`${prefix}createNamespace`] === 'true',
    serviceAccount: textOf(serviceAccountName) || textOf(annotations[`${prefix}serviceAccountName`]),
    rollbackRequest: readRollback(annotations[rollbackAnnotation]),
  }
}

/** A map, also an empty one, stops, as in a Source; so does `true`. */
function readSuspend(value: unknown): Suspension | undefined {
  if (value === true) return { by: '', why: '', since: '' }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { by, why, since } = value as Raw
  return { by: textOf(by), why: textOf(why), since: textOf(since) }
}

function readDependency(entry: unknown, home: string): Dependency[] {
  const { kind, namespace, name } = (typeof entry === 'object' && entry !== null ? entry : {}) as Raw
  const known = textOf(name)
  if (known === '') return []
  return [{ kind: kind === 'Source' ? 'Source' : 'HelmRelease', namespace: textOf(namespace) || home, name: known }]
}

/** `name`, `namespace/name`, `source:namespace/name`, with commas between them. */
function parseDependencies(text: string, home: string): Dependency[] {
  return text.split(',').flatMap((part): Dependency[] => {
    const [, source, namespace = home, name] = /^(source:)?(?:([^/:\s]+)\/)?([^/:\s]+)$/i.exec(part.trim()) ?? []
    return name ? [{ kind: source ? 'Source' : 'HelmRelease', namespace, name }] : []
  })
}
