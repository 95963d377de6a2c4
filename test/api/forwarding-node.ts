import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { stack } from '../stack/stack.ts'

/** A node whose pods run nothing; who forwards a port to one of them lands on this machine. */
export type ForwardingNode = { name: string; stop(): Promise<void> }

// it wants some, for whatever it does
const stages = fileURLToPath(new URL('../../playground/stack/kwok-stages.yaml', import.meta.url))

/** `from`: the port of the pods of `namespace` that leads to the port `to` of 127.0.0.1. */
export async function startForwardingNode(
  cluster: Cluster,
  { namespace, from, to }: { namespace: string; from: number; to: number },
): Promise<ForwardingNode> {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-node-'))
  const [key, cert, config] = ['key', 'cert', 'config.yaml'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2']
  execFileSync('openssl', ['req', ...made, '-subj', '/CN=kubelet'], { stdio: 'ignore' })
  const forward = {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'ClusterPortForward',
    metadata: { name: namespace },
    spec: {
      selector: { matchNamespaces: [namespace] },
      forwards: [{ ports: [from], target: { address: '127.0.0.1', port: to } }],
    },
  }
  writeFileSync(config, JSON.stringify(forward))
  const name = `capstan-test-${randomBytes(4).toString('hex')}`
  const port = await freePort()
  const { child, log } = startKwok([
    `--config=${config}`,
    `--config=${stages}`,
    // none: it is only to serve what a kubelet serves
    `--manage-nodes-with-annotation-selector=capstan.dev/node=none-but-${name}`,
    `--server-address=127.0.0.1:${port}`,
    `--tls-cert-file=${cert}`,
    `--tls-private-key-file=${key}`,
  ])
  await cluster.create({ apiVersion: 'v1', kind: 'Node', metadata: { name } })
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  }
  await cluster.patch({ apiVersion: 'v1', kind: 'Node', name }, { status }, { subresource: 'status' })
  const isServing = async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok
  await until('kwok to serve', isServing, {
    giveUp: () => (child.exitCode === null ? undefined : `kwok ended with ${child.exitCode}: ${log()}`),
  })
  return {
    name,
    async stop() {
      await cluster.delete({ apiVersion: 'v1', kind: 'Node', name }, {})
      if (child.exitCode === null) {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        await ended
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function startKwok(args: readonly string[]): { child: ChildProcess; log: () => string } {
  const { binDir, kubeconfig } = stack()
  const binary = join(binDir, 'kwok')
  if (!existsSync(binary)) throw new Error(`there is no kwok at ${binary}`)
  const child = spawn(binary, [`--kubeconfig=${kubeconfig}`, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk) => (said += String(chunk)))
  return { child, log: () => said }
}
