import { type ImageRef, parseRef } from '../image/ref.ts'
import { idOf } from '../manifest/object.ts'

/** What somebody asks about; a namespace that is not said is empty. */
export type Subject =
  | { kind: 'workload'; namespace: string; object: WorkloadKind; name: string }
  /** An object of any kind, which only its source can tell of. */
  | { kind: 'object'; id: string }
  | { kind: 'source' | 'release'; namespace: string; name: string }
  | { kind: 'image'; image: ImageRef }
  | { kind: 'commit'; digits: string }
  /** A name alone: a release, a source or a workload. */
  | { kind: 'name'; name: string }

export type WorkloadKind = { apiVersion: string; kind: string }

const apps = { apiVersion: 'apps/v1' }
const batch = { apiVersion: 'batch/v1' }
/** Kinds by the names that people call them. */
const kinds: Readonly<Record<string, WorkloadKind>> = {
  deployment: { ...apps, kind: 'Deployment' },
  deploy: { ...apps, kind: 'Deployment' },
  statefulset: { ...apps, kind: 'StatefulSet' },
  sts: { ...apps, kind: 'StatefulSet' },
  daemonset: { ...apps, kind: 'DaemonSet' },
  ds: { ...apps, kind: 'DaemonSet' },
  job: { ...batch, kind: 'Job' },
  cronjob: { ...batch, kind: 'CronJob' },
}
const releaseWords = new Set(['release', 'helmrelease', 'hr'])

/**
 * Reads what somebody asks about: `kind/name` or `namespace:kind/name` (fluxd's ID), `source/[namespace/]name`,
 * `release/[namespace/]name`, an image, a commit of at least 7 digits, or a name. Undefined for what is none of these.
 */
export function parseSubject(text: string, namespace: string): Subject | undefined {
  if (/^[0-9a-f]{7,40}$/.test(text)) return { kind: 'commit', digits: text }
  return parseId(text) ?? parseNamed(text, namespace) ?? parseOther(text)
}

function parseId(text: string): Subject | undefined {
  const [, namespace = '', kind = '', name = ''] = /^([\w-]+|<cluster>):([a-zA-Z]+)\/([\w.:-]+)$/.exec(text) ?? []
  if (name === '') return undefined
  return ofKind(kind, namespace, name) ?? { kind: 'object', id: idOf({ kind, namespace, name }) }
}

function parseNamed(text: string, namespace: string): Subject | undefined {
  const [word = '', ...names] = text.split('/')
  const [first = '', second] = names
  if (names.length === 0 || names.length > 2 || !names.every((name) => /^[\w.-]+$/.test(name))) return undefined
  return ofKind(word, second === undefined ? namespace : first, second ?? first)
}

function ofKind(word: string, namespace: string, name: string): Subject | undefined {
  const lower = word.toLowerCase()
  if (lower === 'source') return { kind: 'source', namespace, name }
  if (releaseWords.has(lower)) return { kind: 'release', namespace, name }
  const object = Object.hasOwn(kinds, lower) ? kinds[lower] : undefined
  return object && { kind: 'workload', namespace, object, name }
}

/** A bare name could be an image, too; images have a host, a path or a tag. */
function parseOther(text: string): Subject | undefined {
  if (/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)) return { kind: 'name', name: text }
  const image = parseRef(text)
  return image && { kind: 'image', image }
}
