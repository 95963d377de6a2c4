import { AppError } from '../../domain/error.ts'
import { filterScript } from '../../lib/run.ts'
import type { HelmTarget, HelmWrite, PreviewRequest } from './helm.ts'

/** helm 4 renamed flags of helm 3; what they do is meant to be the same. */
export type HelmMajor = 3 | 4

const dnsName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/

/** `R -n T --timeout Ns` after the names were checked: helm has no `--end-of-options`, so nothing else may stand in their place. */
function target({ release, namespace, timeoutSeconds, account }: HelmTarget): string[] {
  if (!dnsName.test(release) || release.length > 53) {
    throw new AppError(
      'InvalidValues',
      `"${release}" is no release name: lower-case letters, digits and dashes, at most 53`,
      { retry: 'never' },
    )
  }
  if (!dnsName.test(namespace))
    throw new AppError('InvalidValues', `"${namespace}" is no namespace`, { retry: 'never' })
  return ['--namespace', namespace, '--timeout', `${Math.max(1, Math.round(timeoutSeconds))}s`, ...asUser(account)]
}

/** The API server knows the groups of a service account. A name that is none must not end in a run with our own rights (hazard J3). */
function asUser(account: HelmTarget['account']): string[] {
  if (!account) return []
  const { namespace, serviceAccount } = account
  if (!dnsName.test(namespace) || !dnsName.test(serviceAccount))
    throw new AppError('Forbidden', 'The service account has no name that Kubernetes accepts.', { retry: 'never' })
  return [`--kube-as-user=system:serviceaccount:${namespace}:${serviceAccount}`]
}

/** helm-operator, part (2) §3.1. Values come from a file, never from the command line. */
export function installArgs(request: HelmWrite, valuesFile: string, major: HelmMajor): string[] {
  return [
    'install',
    request.release,
    request.chartPath,
    ...target(request),
    ...writeFlags(request, valuesFile, major),
    ...(request.skipCrds ? ['--skip-crds'] : []),
  ]
}

export function upgradeArgs(
  request: HelmWrite & { resetValues: boolean; force: boolean; maxHistory: number },
  valuesFile: string,
  major: HelmMajor,
): string[] {
  return [
    'upgrade',
    request.release,
    request.chartPath,
    ...target(request),
    ...writeFlags(request, valuesFile, major),
    `--history-max=${request.maxHistory}`,
    request.resetValues ? '--reset-values' : '--reuse-values',
    ...forceFlags(request, major),
  ]
}

/** Through helm's door for post-renderers goes this alone, whoever asks for something else (hazard I6). helm >= 3.9; helm 4 takes plugins only. */
export function editArgs(end: string): string[] {
  return ['--post-renderer=/bin/sh', ...['-c', filterScript, end].map((arg) => `--post-renderer-args=${arg}`)]
}

/** A dry run that asks the server, so that `lookup` sees what an upgrade would see (helm >= 3.13). */
export function previewArgs(request: PreviewRequest, valuesFile: string, major: HelmMajor): string[] {
  const args =
    request.verb === 'install'
      ? installArgs(request, valuesFile, major)
      : upgradeArgs({ ...request, maxHistory: 0 }, valuesFile, major)
  return [...args, '--dry-run=server']
}

function writeFlags({ wait, disableOpenApiValidation }: HelmWrite, valuesFile: string, major: HelmMajor): string[] {
  return [
    '--values',
    valuesFile,
    '--output',
    'json',
    ...applyFlags({ wait }, major),
    ...(disableOpenApiValidation ? ['--disable-openapi-validation'] : []),
  ]
}

/** helm 4 has no `--recreate-pods`: it is left out. */
export function rollbackArgs(
  request: HelmTarget & {
    revision: number
    wait: boolean
    force: boolean
    recreatePods: boolean
    disableHooks: boolean
  },
  major: HelmMajor,
): string[] {
  return [
    'rollback',
    request.release,
    String(request.revision),
    ...target(request),
    '--history-max=0',
    ...applyFlags(request, major),
    ...forceFlags(request, major),
    ...(request.recreatePods && major === 3 ? ['--recreate-pods'] : []),
    ...(request.disableHooks ? ['--no-hooks'] : []),
  ]
}

/** helm 4 would apply in the server and wait by another measure: the same release must not differ by who installed it. */
function applyFlags({ wait }: { wait: boolean }, major: HelmMajor): string[] {
  if (major === 3) return wait ? ['--wait'] : []
  return ['--server-side=false', ...(wait ? ['--wait=legacy'] : [])]
}

function forceFlags({ force }: { force: boolean }, major: HelmMajor): string[] {
  if (!force) return []
  return [major === 3 ? '--force' : '--force-replace']
}

/** The number of a `helm version --short`: `v3.22.0+g1`, `v4.3`, and `Client: v2.17.0+g1` of helm 2. Undefined for other texts. */
export function readMajor(version: string): number | undefined {
  const [, major] = /\bv(\d+)\.\d+/.exec(version) ?? []
  return major === undefined ? undefined : Number(major)
}

/** True for a helm that takes {@link editArgs}, by what it prints as its version. */
export function takesEdits(version: string): boolean {
  const [, minor] = /\bv3\.(\d+)\./.exec(version) ?? []
  return Number(minor) >= 9
}

export function testArgs(request: HelmTarget): string[] {
  return ['test', request.release, ...target(request)]
}

/** Without `--ignore-not-found`, which helm has since 3.13: see `uninstallOutcome`. */
export function uninstallArgs(request: HelmTarget): string[] {
  return ['uninstall', request.release, ...target(request)]
}
