import type { KubeObject } from '../manifest/object.ts'
import { type OwnFields, readOwnFields } from './own-fields.ts'
import { listOf, mapOf, textOf } from '../../lib/raw.ts'

type SecretRef = { namespace: string; name: string }

/** Where a chart comes from (helm-operator §6.1). */
export type ChartSource =
  | {
      kind: 'git'
      url: string
      ref: string
      path: string
      secret?: SecretRef
      /** For the repositories of its dependencies. */
      pullSecret?: SecretRef
      skipDependencyUpdate: boolean
    }
  | { kind: 'repository'; url: string; name: string; version: string; pullSecret?: SecretRef }
  /** Neither is given whole. */
  | { kind: 'none' }

/** One source of values, in the order in which they are merged (helm-operator §5). */
export type ValuesSource =
  | { kind: 'ConfigMap' | 'Secret'; namespace: string; name: string; key: string; optional: boolean }
  | { kind: 'url'; url: string; optional: boolean }
  | { kind: 'chartFile'; path: string; optional: boolean }

/** A HelmRelease with every default filled in (helm-operator §1.1). */
export type ReleaseSpec = OwnFields & {
  namespace: string
  name: string
  uid: string
  generation: number
  release: string
  targetNamespace: string
  chart: ChartSource
  valuesFrom: ValuesSource[]
  /** Undefined when spec.values is not a map. */
  values: Record<string, unknown> | undefined
  timeoutSeconds: number
  maxHistory: number
  wait: boolean
  skipCrds: boolean
  forceUpgrade: boolean
  resetValues: boolean
  disableOpenApiValidation: boolean
  rollback: {
    enable: boolean
    retry: boolean
    maxRetries: number
    force: boolean
    recreate: boolean
    disableHooks: boolean
    timeoutSeconds: number
    wait: boolean
  }
  /** `cleanup`: only where it is asked for in so many words; helm 3 under the Operator left tests as they were. */
  test: { enable: boolean; ignoreFailures: boolean; timeoutSeconds: number; cleanup: boolean }
  helmVersion: 'v2' | 'v3'
  deleting: boolean
}

export type SpecDefaults = {
  gitRef: string
  updateDependencies: boolean
  /** Account, in the namespace of each HelmRelease, of those that name none; left out: none. */
  serviceAccount?: string
}

export const helmReleaseKind = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease' } as const
/** HelmReleases of the Operator before 1.0, with the same fields (ruling 9). */
export const legacyReleaseKind = { apiVersion: 'flux.weave.works/v1beta1', kind: 'HelmRelease' } as const
const defaultTimeoutSeconds = 300

type Raw = Record<string, unknown>

/** Reads a HelmRelease leniently: what has the wrong type counts as absent, as it did for the Operator. */
export function readSpec(object: KubeObject, defaults: SpecDefaults): ReleaseSpec {
  const spec = mapOf(object.spec)
  const { metadata } = object
  const namespace = metadata.namespace || 'default'
  const targetNamespace = textOf(spec.targetNamespace) || namespace
  const rollback = mapOf(spec.rollback)
  const test = mapOf(spec.test)
  const rollbackEnabled = rollback.enable === true
  const testEnabled = test.enable === true
  const own = readOwnFields(spec, { namespace, annotations: metadata.annotations })
  return {
    namespace,
    name: metadata.name,
    uid: metadata.uid ?? '',
    generation: metadata.generation ?? 0,
    release: textOf(spec.releaseName) || releaseName(namespace, targetNamespace, metadata.name),
    targetNamespace,
    chart: readChart(mapOf(spec.chart), namespace, defaults),
    valuesFrom: [...readValueFiles(spec.valueFileSecrets, namespace), ...readValuesFrom(spec.valuesFrom, namespace)],
    values: spec.values === undefined || spec.values === null ? {} : isMap(spec.values) ? spec.values : undefined,
    timeoutSeconds: numberOf(spec.timeout, defaultTimeoutSeconds),
    maxHistory: numberOf(spec.maxHistory, 10),
    wait: typeof spec.wait === 'boolean' ? spec.wait : rollbackEnabled || testEnabled,
    skipCrds: spec.skipCRDs === true,
    forceUpgrade: spec.forceUpgrade === true,
    resetValues: spec.resetValues !== false,
    disableOpenApiValidation: spec.disableOpenAPIValidation === true,
    rollback: {
      enable: rollbackEnabled,
      retry: rollback.retry === true,
      maxRetries: numberOf(rollback.maxRetries, 5),
      force: rollback.force === true,
      recreate: rollback.recreate === true,
      disableHooks: rollback.disableHooks === true,
      timeoutSeconds: numberOf(rollback.timeout, defaultTimeoutSeconds),
      wait: rollback.wait === true,
    },
    test: {
      enable: testEnabled,
      ignoreFailures: test.ignoreFailures === true,
      timeoutSeconds: numberOf(test.timeout, defaultTimeoutSeconds),
      cleanup: test.cleanup === true,
    },
    helmVersion: spec.helmVersion === 'v2' ? 'v2' : 'v3',
    ...own,
    serviceAccount: own.serviceAccount || (defaults.serviceAccount ?? ''),
    deleting: metadata.deletionTimestamp !== undefined,
  }
}

const dnsName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const longestRelease = 53

/** What is wrong with the names that would go to helm; undefined when nothing is. */
export function nameProblem({ release, targetNamespace }: ReleaseSpec): string | undefined {
  if (release.length > longestRelease)
    return `the release name "${release}" is longer than ${longestRelease} characters`
  if (!dnsName.test(release)) return `"${release}" is no release name: lower-case letters, digits, dashes and dots`
  return dnsName.test(targetNamespace) ? undefined : `"${targetNamespace}" is no namespace`
}

/** helm-operator §2; a different name would install everything a second time. */
function releaseName(namespace: string, target: string, name: string): string {
  return namespace === target ? `${namespace}-${name}` : `${namespace}-${target}-${name}`
}

/** Git wins when url and path are both given (helm-operator §6.1). */
function readChart(chart: Raw, namespace: string, defaults: SpecDefaults): ChartSource {
  const [git, path] = [textOf(chart.git), textOf(chart.path)]
  const pullName = textOf(mapOf(chart.chartPullSecret).name)
  const pull = pullName ? { pullSecret: { namespace, name: pullName } } : {}
  if (git && path) {
    const secret = mapOf(chart.secretRef)
    const name = textOf(secret.name)
    return {
      kind: 'git',
      url: git,
      ref: textOf(chart.ref) || defaults.gitRef,
      path,
      ...(name ? { secret: { name, namespace: textOf(secret.namespace) || namespace } } : {}),
      ...pull,
      skipDependencyUpdate: chart.skipDepUpdate === true || !defaults.updateDependencies,
    }
  }
  const [url, name, version] = [textOf(chart.repository), textOf(chart.name), textOf(chart.version)]
  return url && name && version ? { kind: 'repository', url, name, version, ...pull } : { kind: 'none' }
}

function readValueFiles(value: unknown, namespace: string): ValuesSource[] {
  return listOf(value).flatMap((entry) => {
    const name = textOf(mapOf(entry).name)
    return name ? [{ kind: 'Secret' as const, namespace, name, key: 'values.yaml', optional: false }] : []
  })
}

/** Of several references in one entry only the first counts, in this order (helm-operator §5). */
function readValuesFrom(value: unknown, namespace: string): ValuesSource[] {
  return listOf(value).flatMap((entry): ValuesSource[] => {
    const { configMapKeyRef, secretKeyRef, externalSourceRef, chartFileRef } = mapOf(entry)
    if (isMap(configMapKeyRef)) return [objectSource('ConfigMap', configMapKeyRef, namespace)]
    if (isMap(secretKeyRef)) return [objectSource('Secret', secretKeyRef, namespace)]
    if (isMap(externalSourceRef))
      return [{ kind: 'url', url: textOf(externalSourceRef.url), optional: externalSourceRef.optional === true }]
    if (isMap(chartFileRef))
      return [{ kind: 'chartFile', path: textOf(chartFileRef.path), optional: chartFileRef.optional === true }]
    return []
  })
}

function objectSource(kind: 'ConfigMap' | 'Secret', ref: Raw, namespace: string): ValuesSource {
  return {
    kind,
    namespace: textOf(ref.namespace) || namespace,
    name: textOf(ref.name),
    key: textOf(ref.key) || 'values.yaml',
    optional: ref.optional === true,
  }
}

function isMap(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
function numberOf(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback
}
