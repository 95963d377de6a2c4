import { createServer, type Socket } from 'node:net'
import { type KubeConfig, PortForward } from '@kubernetes/client-node'
import { loadKubeconfig } from './connect.ts'

/** A pod's port, and where the kubeconfig of its cluster is. */
export type ForwardOptions = { kubeconfig?: string; context?: string; namespace: string; pod: string; port: number }

/** An open way to a pod. */
export type Forwarding = {
  /** On 127.0.0.1. */
  port: number
  close: () => Promise<void>
}

/**
 * Listens on a free port of 127.0.0.1 and carries each connection to a port of a pod, through the API server's `pods/portforward`. A
 * connection that cannot be carried is cut. Throws `ClusterUnavailable` when there is no usable kubeconfig.
 */
export async function forwardPort({ namespace, pod, port, ...from }: ForwardOptions): Promise<Forwarding> {
  const forward = new PortForward(verifying(loadKubeconfig(from)))
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    // a peer that is gone is seen by the close
    socket.on('error', () => {})
    void carry(forward, { namespace, pod, port }, socket).catch(() => socket.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, resolve)
  })
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Says explicitly that certificates are checked, so that NODE_TLS_REJECT_UNAUTHORIZED cannot turn that off (hazard L12). */
function verifying(config: KubeConfig): KubeConfig {
  const apply = config.applyToHTTPSOptions.bind(config)
  config.applyToHTTPSOptions = async (options) => {
    await apply(options)
    options.rejectUnauthorized = options.rejectUnauthorized !== false
  }
  return config
}

type Target = Pick<ForwardOptions, 'namespace' | 'pod' | 'port'>

async function carry(forward: PortForward, { namespace, pod, port }: Target, socket: Socket): Promise<void> {
  const carrier = await forward.portForward(namespace, pod, [port], socket, null, socket)
  const line = typeof carrier === 'function' ? carrier() : carrier
  line?.addEventListener('close', () => socket.end())
  socket.once('close', () => line?.close())
}
