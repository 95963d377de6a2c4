import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../../src/adapters/cluster/index.ts'

/** A node whose kubelet runs nothing and has a log for every container: where the API server gets logs from. */
export type Kubelet = { node: string; stop(): Promise<void> }

/** `log`: what each container printed. */
export async function startKubelet(cluster: Cluster, log: string): Promise<Kubelet> {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-kubelet-'))
  const [key, cert] = [join(directory, 'key'), join(directory, 'cert')]
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2']
  execFileSync('openssl', ['req', ...made, '-subj', '/CN=kubelet'], { stdio: 'ignore' })
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    const isLog = request.url?.startsWith('/containerLogs/') ?? false
    response.writeHead(isLog ? 200 : 404).end(isLog ? log : '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const node = `capstan-test-${randomBytes(4).toString('hex')}`
  await cluster.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: node } })
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  }
  await cluster.patch({ apiVersion: 'v1', kind: 'Node', name: node }, { status }, { subresource: 'status' })
  return {
    node,
    async stop() {
      await cluster.delete({ apiVersion: 'v1', kind: 'Node', name: node }, {})
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
