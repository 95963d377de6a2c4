import { fileURLToPath } from 'node:url'
import { type ApiServerAccess, callApiServer } from './api-server.ts'
import type { Program } from './supervise.ts'
import type { Supervisor } from './supervisor.ts'
import { until } from './until.ts'

export type KwokOptions = {
  supervisor: Supervisor
  binary: string
  kubeconfig: string
  access: ApiServerAccess
  directory: string
}

/** The name of the one node that kwok plays. */
const nodeName = 'playground'
const stages = fileURLToPath(new URL('./kwok-stages.yaml', import.meta.url))

/** Starts kwok and makes its node; resolves when the node is Ready. Pods scheduled there become ready at once and run nothing. */
export async function startKwok({ supervisor, binary, kubeconfig, access }: KwokOptions): Promise<Program> {
  const program = supervisor.start({
    name: 'kwok',
    command: binary,
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--config=${stages}`,
      '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
      '--cidr=10.244.0.0/16',
      '--node-ip=10.0.0.1',
      '--node-lease-duration-seconds=40',
    ],
  })
  const { status, text } = await callApiServer(access, 'POST', '/api/v1/nodes', node())
  if (status !== 201 && status !== 409) throw new Error(`the node of kwok was refused (${status}): ${text}`)
  await until(
    'node of kwok',
    async () => isReady((await callApiServer(access, 'GET', `/api/v1/nodes/${nodeName}`)).text),
    {
      logFile: program.logFile,
    },
  )
  return program
}

function isReady(text: string): boolean {
  const read = JSON.parse(text) as {
    spec?: { taints?: unknown[] }
    status?: { conditions?: { type: string; status: string }[] }
  }
  return (
    !read.spec?.taints?.length &&
    read.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  )
}

function node(): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeName,
      annotations: { 'kwok.x-k8s.io/node': 'fake', 'node.alpha.kubernetes.io/ttl': '0' },
      labels: {
        'kubernetes.io/hostname': nodeName,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'node-role.kubernetes.io/agent': '',
      },
    },
  }
}
