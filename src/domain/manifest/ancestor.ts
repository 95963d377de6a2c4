import { ancestorAnnotation } from './annotations.ts'
import { groupOf, type KubeObject } from './object.ts'

/** The programs that Capstan takes the place of. */
export type Ancestor = 'fluxd' | 'helm-operator'

/** Last part of an image's or a chart's name, as both projects published them. */
const names: Readonly<Record<string, Ancestor>> = {
  flux: 'fluxd',
  'flux-prerelease': 'fluxd',
  'helm-operator': 'helm-operator',
  'helm-operator-prerelease': 'helm-operator',
}

/**
 * Which ancestor an object of git runs: a workload with its image, or a HelmRelease of its chart (ruling 6). Undefined for everything
 * else, and where the object says that this is meant (`capstan.dev/ancestor: allow`).
 */
export function ancestorOf(object: KubeObject): Ancestor | undefined {
  if (object.metadata.annotations?.[ancestorAnnotation] === 'allow') return undefined
  if (object.kind === 'HelmRelease' && groupOf(object.apiVersion).startsWith('helm.')) return ofChart(object.spec)
  return imagesOf(object.spec).flatMap((image) => nameOf(image) ?? [])[0]
}

function imagesOf(spec: unknown): string[] {
  const { template, containers } = fields(spec)
  const list = containers ?? fields(fields(template).spec).containers
  return Array.isArray(list) ? list.flatMap((one) => textOf(fields(one).image)) : []
}

function ofChart(spec: unknown): Ancestor | undefined {
  const { name, path } = fields(fields(spec).chart)
  const [chart] = [...textOf(name), ...textOf(path)]
  return chart === undefined ? undefined : names[lastPart(chart)]
}

function nameOf(image: string): Ancestor | undefined {
  return names[lastPart(image.split('@')[0] ?? '').split(':')[0] ?? '']
}

function lastPart(path: string): string {
  return path.split('/').at(-1) ?? ''
}

function textOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : []
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
