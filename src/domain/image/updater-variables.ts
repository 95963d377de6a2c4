import { policyPrefixes, tagPolicyPrefix } from '../manifest/annotations.ts'
import type { AnnotationChange } from './annotate.ts'
import type { Update } from './plan-updates.ts'
import { printRef } from './ref.ts'
import type { Workload } from './workload.ts'

/** What tells a `containerImage` updater of a `.flux.yaml` which image goes where (flux-v1 §6). */
export function imageVariables({ workload, container, to }: Update): Record<string, string> {
  const { domain, path, tag = '' } = to
  return {
    ...workloadVariables(workload),
    FLUX_CONTAINER: container.name,
    FLUX_IMG: printRef({ domain, path }),
    FLUX_TAG: tag,
  }
}

/** What tells a `policy` updater which policy changes; a policy that goes has no value (flux-v1 §6). */
export function policyVariables(workload: Workload, { key, value }: AnnotationChange): Record<string, string> {
  const prefix = policyPrefixes.find((one) => key.startsWith(one)) ?? ''
  const name = key.slice(prefix.length)
  return {
    ...workloadVariables(workload),
    FLUX_POLICY: prefix === 'filter.fluxcd.io/' ? `${tagPolicyPrefix}${name}` : name,
    ...(value === undefined ? {} : { FLUX_POLICY_VALUE: value }),
  }
}

function workloadVariables({ id, ref }: Workload): Record<string, string> {
  return {
    FLUX_WORKLOAD: id,
    FLUX_WL_NS: ref.namespace ?? '',
    FLUX_WL_KIND: ref.kind.toLowerCase(),
    FLUX_WL_NAME: ref.name,
  }
}
