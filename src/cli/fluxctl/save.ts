import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clean, cleanLine } from '../print/clean.ts'
import type { Verb } from './context.ts'
import { Failure } from './failure.ts'
import { sortKeys } from './sort-keys.ts'

/** Reads and writes YAML; loaded when it is needed. */
export type Yaml = { documents(text: string): unknown[]; print(value: unknown): string }

type Manifest = {
  apiVersion?: string
  kind?: string
  metadata?: {
    annotations?: Record<string, string>
    labels?: Record<string, string>
    name?: string
    namespace?: string
  }
  spec?: unknown
}

const ownAnnotations = [
  'deployment.kubernetes.io/revision',
  'kubectl.kubernetes.io/last-applied-configuration',
  'kubernetes.io/change-cause',
]

/** `fluxctl save`: manifests of the workloads, without what the cluster put into them. */
export function save(loadYaml: () => Promise<Yaml>): Verb {
  return async ({ flags, words, api, out }) => {
    if (words.length > 0) throw new Failure('expected no (non-flag) arguments')
    const text = await api.exported().catch((error: unknown) => {
      if (error instanceof Failure) throw new Failure(`exporting config: ${error.message}`)
      throw error
    })
    const folder = flags.text('out')
    if (folder !== '-') needFolder(folder)
    const yaml = await loadYaml()
    for (const document of yaml.documents(text)) {
      const manifest = kept(document as Manifest)
      const printed = `---\n${yaml.print(manifest)}`
      if (folder === '-') out.write(printed.split('\n').map(cleanLine).join('\n'))
      else {
        const path = pathOf(manifest, folder)
        const { kind = '', metadata } = manifest
        out.write(`Saving ${clean(kind)} '${clean(metadata?.name ?? '')}' to ${clean(path)}\n`)
        writeFileSync(path, printed)
      }
    }
  }
}

function needFolder(path: string): void {
  const there = statSync(path, { throwIfNoEntry: false })
  if (!there) throw new Failure(`stat ${path}: no such file or directory`)
  if (!there.isDirectory()) throw new Failure(`path ${path} is not a directory`)
}

/** What goes into a repository, in the order in which it is written. */
function kept({ apiVersion = '', kind = '', metadata = {}, spec }: Manifest): Manifest {
  const { annotations = {}, labels = {}, name = '', namespace = '' } = metadata
  const own = Object.entries(annotations).filter(([key]) => !ownAnnotations.includes(key))
  const { template } = (spec ?? {}) as { template?: { metadata?: { creationTimestamp?: unknown } } }
  if (template?.metadata) delete template.metadata.creationTimestamp
  const about = { annotations: sortKeys(Object.fromEntries(own)), labels: sortKeys(labels), name, namespace }
  return filled({ apiVersion, kind, metadata: filled(about), spec: withoutEmpty(spec) })
}

/** Without fields that hold nothing. */
function filled<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== '' && !isEmpty(one))) as T
}

/** Empty maps, lists and nulls go, where they are values of a map; keys come by name. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, one]) => !isEmpty(one))
  return sortKeys(Object.fromEntries(entries.map(([key, one]) => [key, withoutEmpty(one)])))
}

function isEmpty(value: unknown): boolean {
  return (value ?? null) === null || (typeof value === 'object' && Object.keys(value as object).length === 0)
}

/** A name is only ever one part of a path: it comes from a cluster that others write to. */
function pathOf({ kind = '', metadata = {} }: Manifest, folder: string): string {
  const { name = '', namespace = '' } = metadata
  for (const part of [kind, name, namespace])
    if (/[/\\\0]/.test(part) || part === '..') throw new Failure(`${JSON.stringify(part)} is no name for a file`)
  if (kind === 'Namespace') return join(folder, `${name}-ns.yaml`)
  mkdirSync(join(folder, namespace), { recursive: true })
  return join(folder, namespace, `${name}-${kind === 'Deployment' ? 'dep' : kind}.yaml`)
}
