import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'
import { kubectl } from './chart.ts'

/** A node of one's own on the stack's cluster, on which kwok makes pods ready; nothing else is scheduled there. */
export type OwnNode = {
  /** Arguments for helm that place the chart's pods there. */
  helmArgs: string[]
  remove(): Promise<void>
}

const stages = fileURLToPath(new URL('../../playground/stack/kwok-stages.yaml', import.meta.url))

/** Starts kwok for one node of this name; resolves once pods can be scheduled there. */
export async function startOwnNode(name: string): Promise<OwnNode> {
  const binary = join(stack().binDir, 'kwok')
  if (!existsSync(binary)) throw new Error(`there is no kwok at ${binary}`)
  const child = spawn(
    binary,
    [
      `--kubeconfig=${stack().kubeconfig}`,
      `--config=${stages}`,
      `--manage-nodes-with-annotation-selector=capstan.dev/own-node=${name}`,
      '--cidr=10.245.0.0/16',
      '--node-ip=10.0.0.2',
      '--node-lease-duration-seconds=40',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let log = ''
  child.stderr.on('data', (chunk) => (log += String(chunk)))
  await kubectl(['create', '-f', '-'], JSON.stringify(nodeOf(name)))
  await until('the node to be ready', async () => await isReady(name), {
    giveUp: () => (child.exitCode === null ? undefined : `kwok ended with ${child.exitCode}: ${log}`),
  })
  return {
    helmArgs: [
      '--set',
      `nodeSelector.kubernetes\\.io/hostname=${name},tolerations[0].key=capstan.dev/own,tolerations[0].operator=Equal`,
      '--set',
      `tolerations[0].value=${name},tolerations[0].effect=NoSchedule`,
    ],
    remove: async () => {
      await kubectl(['delete', 'node', name, '--ignore-not-found', '--wait=false'])
      await end(child)
    },
  }
}

function nodeOf(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations: { 'capstan.dev/own-node': name, 'node.alpha.kubernetes.io/ttl': '0' },
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' },
    },
    spec: { taints: [{ key: 'capstan.dev/own', value: name, effect: 'NoSchedule' }] },
  }
}

async function isReady(name: string): Promise<boolean> {
  const { stdout } = await kubectl(['get', 'node', name, '-o', 'json'])
  const { spec, status } = JSON.parse(stdout) as {
    spec: { taints: unknown[] }
    status: { conditions?: { type: string; status: string }[] }
  }
  return (
    spec.taints.length === 1 && status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true
  )
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
