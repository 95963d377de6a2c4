import { KubeConfig } from '@kubernetes/client-node'

/**
 * The namespace of the kubeconfig's current context, or of another one that is named: where fluxd put objects that name none (flux-v1 §5). Empty when the context
 * has none, when there is no kubeconfig that can be read, and in a pod, whose own namespace is not meant.
 */
export function contextNamespace(options: { kubeconfig?: string | undefined; context?: string }): string {
  const config = new KubeConfig()
  try {
    if (options.kubeconfig) config.loadFromFile(options.kubeconfig)
    else config.loadFromDefault()
  } catch {
    return ''
  }
  const context = options.context || config.currentContext
  if (context === inClusterContext) return ''
  return config.getContextObject(context)?.namespace ?? ''
}

/** What client-node calls the context that it makes of a service account. */
const inClusterContext = 'inClusterContext'
