import type { HelmWrite } from '../../adapters/helm/index.ts'
import type { ReleaseSpec } from '../../domain/release/spec.ts'
import type { Values } from '../../domain/release/values.ts'
import type { PreparedChart } from './work.ts'

/** What helm is asked for, to install, upgrade or preview this chart with these values as the HelmRelease says. */
export function releaseRequest(spec: ReleaseSpec, chart: PreparedChart, values: Values): Omit<HelmWrite, 'wait'> {
  return {
    release: spec.release,
    namespace: spec.targetNamespace,
    timeoutSeconds: spec.timeoutSeconds,
    chartPath: chart.path,
    values,
    skipCrds: spec.skipCrds,
    disableOpenApiValidation: spec.disableOpenApiValidation,
  }
}
