import { Unreachable } from '../api/client.ts'
import type { ForwardTo } from '../cli/connect.ts'
import type { Forwarded } from '../cli/fluxctl/create-fluxctl.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { quiet } from '../lib/quiet.ts'

/** The port at which fluxd and Capstan answer in their pod. */
const apiPort = 3030
/** fluxd's own labels; our leader puts one of them on its pod (ruling 5). */
const fallback = 'name in (flux,fluxd,weave-flux-agent)'

/**
 * Finds the one running pod that answers, as fluxctl looks for it: by the labels, and where none has them by those of fluxd; and
 * forwards a port of this machine to it. Throws the sentences of fluxctl, or our own.
 */
export async function forwardToServer(
  { context, namespace, labels }: ForwardTo,
  { asFluxctl }: { asFluxctl: boolean },
): Promise<Forwarded> {
  // client-node is loaded where a cluster is really asked
  const { createCluster, forwardPort } = await import('../adapters/cluster/index.ts')
  const options = context === '' ? {} : { context }
  let cluster: ReturnType<typeof createCluster>
  try {
    cluster = createCluster({ ...options, log: quiet })
  } catch (error) {
    throw new Unreachable(`Could not load kubernetes configuration file: ${(error as Error).message}`)
  }
  try {
    const own = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
    const selectors = [own.toSorted().join(','), fallback].filter(Boolean)
    const pod = await findPod(selectors, async (labelSelector) => {
      const query = { apiVersion: 'v1', kind: 'Pod', namespace, labelSelector, fieldSelector: 'status.phase=Running' }
      return await cluster.list({ ...query, metadataOnly: true })
    })
    if (pod === undefined) throw new Unreachable((asFluxctl ? noPod : noPodOfOurs)(namespace, selectors))
    const { port, close } = await forwardPort({ ...options, namespace, pod, port: apiPort })
    return { url: `http://127.0.0.1:${port}`, close }
  } finally {
    await cluster.close()
  }
}

async function findPod(
  selectors: readonly string[],
  list: (selector: string) => Promise<readonly KubeObject[]>,
): Promise<string | undefined> {
  for (const selector of selectors) {
    const [pod, ...more] = await list(selector)
    if (more.length > 0) throw new Unreachable(ambiguous(selector))
    if (pod) return pod.metadata.name
  }
  return undefined
}

function ambiguous(selector: string): string {
  return `Could not create a dialer: Could not get pod name: Ambiguous pod: found more than one pod for selector: labels "${selector}"`
}

function noPodOfOurs(namespace: string, selectors: readonly string[]): string {
  return `No pod found in namespace "${namespace}" that runs Capstan (labels ${selectors.join(', or ')}). If it runs in another namespace, name that with --k8s-fwd-ns; in another cluster, with --context.`
}

function noPod(namespace: string, selectors: readonly string[]): string {
  return `No pod found in namespace "${namespace}" using the following selectors:
${selectors.map((selector) => `  ${selector}`).join('\n')}

Make sure Flux is running in namespace "${namespace}".
If Flux is running in another different namespace, please supply it to --k8s-fwd-ns.`
}
