import type { KubeConfig } from '@kubernetes/client-node'
import { loadKubeconfig } from './connect.ts'

/**
 * The bearer token of the kubeconfig's current context, from the file or from the program that it names; undefined where the context
 * proves itself otherwise (a certificate) or there is no kubeconfig.
 */
export async function contextToken(options: { kubeconfig?: string | undefined }): Promise<string | undefined> {
  try {
    const config = loadKubeconfig(options.kubeconfig ? { kubeconfig: options.kubeconfig } : {})
    const request: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = { headers: {} }
    await config.applyToHTTPSOptions(request)
    const { Authorization: header } = request.headers as Record<string, string | undefined>
    return /^Bearer (\S+)$/.exec(header ?? '')?.[1]
  } catch {
    return undefined
  }
}
