import type { Cluster } from '../adapters/cluster/index.ts'
import { toAppError } from '../domain/error.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import type { Logger } from '../lib/logger.ts'

/** What fluxctl looks for by itself: first `app=flux`, then these names; with two matches it gives up (ruling 5). */
const fluxNames = ['flux', 'fluxd', 'weave-flux-agent']
const label = { name: 'fluxd' } as const

export type FluxctlLabelDeps = {
  cluster: Pick<Cluster, 'list' | 'patch'>
  /** Our own pod. */
  pod: { namespace: string; name: string }
  log: Logger
  /** Resolves after that many milliseconds; rejects when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
}

const lookAgainMs = 15_000

/**
 * Until `lead` aborts, makes our pod the one that fluxctl's port-forward finds, while no other running pod is one: an old fluxd beside us
 * wins as long as it runs (ruling 5). Never throws.
 */
export async function labelForFluxctl(deps: FluxctlLabelDeps, lead: AbortSignal): Promise<void> {
  let isOurs: boolean | undefined
  let told = ''
  while (!lead.aborted) {
    try {
      const wanted = await isAlone(deps, lead)
      if (wanted !== isOurs) await setLabel(wanted, deps, lead)
      isOurs = wanted
      told = ''
    } catch (error) {
      if (lead.aborted) break
      isOurs = undefined
      const { reason, message } = toAppError(error)
      if (told !== message) deps.log.info({ reason }, `fluxctl may not find this pod by itself: ${message}`)
      told = message
    }
    await deps.pause(lookAgainMs, lead).catch(() => undefined)
  }
  await withoutFluxctlLabel(deps)
}

/** Takes the label off, as a pod must that does not lead (any more). Never throws. */
export async function withoutFluxctlLabel(deps: Omit<FluxctlLabelDeps, 'pause'>): Promise<void> {
  try {
    await setLabel(false, deps, AbortSignal.timeout(lookAgainMs))
  } catch (error) {
    const { reason, message } = toAppError(error)
    deps.log.info({ reason }, `the label for fluxctl may be on this pod: ${message}`)
  }
}

async function isAlone({ cluster, pod }: FluxctlLabelDeps, signal: AbortSignal): Promise<boolean> {
  const query = { apiVersion: 'v1', kind: 'Pod', namespace: pod.namespace, fieldSelector: 'status.phase=Running' }
  const running = await cluster.list({ ...query, metadataOnly: true }, signal)
  return !running.some((other) => other.metadata.name !== pod.name && isFlux(other))
}

function isFlux({ metadata: { labels = {} } }: KubeObject): boolean {
  return labels.app === 'flux' || fluxNames.includes(labels.name ?? '')
}

async function setLabel(
  isOn: boolean,
  { cluster, pod }: Omit<FluxctlLabelDeps, 'pause'>,
  signal: AbortSignal,
): Promise<void> {
  const labels = isOn ? label : { name: null }
  await cluster.patch({ apiVersion: 'v1', kind: 'Pod', ...pod }, { metadata: { labels } }, { signal })
}
