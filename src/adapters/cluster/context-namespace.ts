import { KubeConfig } from '@kubernetes/client-node'

/**
 * The namespace of the kubeconfig's current context: where fluxd put objects that name none (flux-v1 §5). Empty when the context
 * has none, when there is no kubeconfig that can be read, and in a pod, whose own namespace is not meant.
 */
export function contextNamespace(options: { kubeconfig?: string | undefined }): string {
  const config = new KubeConfig()
  try {
    if (options.kubeconfig) config.loadFromFile(options.kubeconfig)
    else config.loadFromDefault()
  } catch {
    return ''
  }
  if (config.currentContext === inClusterContext) return ''
  return config.getContextObject(config.currentContext)?.namespace ?? ''
}

/** What client-node calls the context that it makes of a service account. */
const inClusterContext = 'inClusterContext'
