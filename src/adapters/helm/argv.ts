import { AppError } from '../../domain/error.ts'
import type { HelmTarget, HelmWrite, PreviewRequest } from './helm.ts'

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
export function installArgs(request: HelmWrite, valuesFile: string): string[] {
  return [
    'install',
    request.release,
    request.chartPath,
    ...target(request),
    ...writeFlags(request, valuesFile),
    ...(request.skipCrds ? ['--skip-crds'] : []),
  ]
}

export function upgradeArgs(
  request: HelmWrite & { resetValues: boolean; force: boolean; maxHistory: number },
  valuesFile: string,
): string[] {
  return [
    'upgrade',
    request.release,
    request.chartPath,
    ...target(request),
    ...writeFlags(request, valuesFile),
    `--history-max=${request.maxHistory}`,
    request.resetValues ? '--reset-values' : '--reuse-values',
    ...(request.force ? ['--force'] : []),
  ]
}

/** A dry run that asks the server, so that `lookup` sees what an upgrade would see (helm >= 3.13). */
export function previewArgs(request: PreviewRequest, valuesFile: string): string[] {
  const args =
    request.verb === 'install'
      ? installArgs(request, valuesFile)
      : upgradeArgs({ ...request, maxHistory: 0 }, valuesFile)
  return [...args, '--dry-run=server']
}

function writeFlags({ wait, disableOpenApiValidation }: HelmWrite, valuesFile: string): string[] {
  return [
    '--values',
    valuesFile,
    '--output',
    'json',
    ...(wait ? ['--wait'] : []),
    ...(disableOpenApiValidation ? ['--disable-openapi-validation'] : []),
  ]
}

export function rollbackArgs(
  request: HelmTarget & {
    revision: number
    wait: boolean
    force: boolean
    recreatePods: boolean
    disableHooks: boolean
  },
): string[] {
  return [
    'rollback',
    request.release,
    String(request.revision),
    ...target(request),
    '--history-max=0',
    ...(request.wait ? ['--wait'] : []),
    ...(request.force ? ['--force'] : []),
    ...(request.recreatePods ? ['--recreate-pods'] : []),
    ...(request.disableHooks ? ['--no-hooks'] : []),
  ]
}

export function testArgs(request: HelmTarget): string[] {
  return ['test', request.release, ...target(request)]
}

export function uninstallArgs(request: HelmTarget): string[] {
  return ['uninstall', request.release, ...target(request), '--ignore-not-found']
}
