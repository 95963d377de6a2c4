import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stack } from '../stack/stack.ts'
import { kubeconfigOf } from './account.ts'
import { argvOf, type KubeObject, kubectl, type PodSpec } from './chart.ts'
import { root } from './dockerfile.ts'

type Volume = { name: string; secret?: { secretName: string }; configMap?: { name: string } }
/** What a process needs of a pod besides its account. */
type Pod = PodSpec & {
  volumes?: Volume[]
  containers: { volumeMounts?: { name: string; mountPath: string }[] }[]
}

/** The program of a pod, which no node here runs. */
export type PodProcess = { child: ChildProcess; log: () => string; stop(): Promise<void> }

/**
 * Runs a pod's program in its place: with its arguments and environment, its account's rights, and the Secrets and ConfigMaps that it
 * mounts, as they are in the cluster, below `folder`. Only what names the pod's network is of this machine: Redis and the port.
 * `server`: where it finds the API server, in place of its own address; `grace`: `--shutdown-grace`.
 */
export async function startPod(
  pod: PodSpec,
  options: { namespace: string; folder: string; port: number; server?: string; grace?: string },
): Promise<PodProcess> {
  const { namespace, folder, port, server, grace = '2s' } = options
  const { volumes = [], containers } = pod as Pod
  const { volumeMounts = [] } = containers[0] ?? {}
  for (const { name, mountPath } of volumeMounts) {
    const volume = volumes.find((one) => one.name === name)
    const files = volume ? await filesOf(volume, namespace) : {}
    await mkdir(join(folder, mountPath), { recursive: true })
    for (const [file, content] of Object.entries(files)) {
      await writeFile(join(folder, mountPath, file), content)
      await chmod(join(folder, mountPath, file), 0o400)
    }
  }
  // longest first: one may lie below another
  const places = volumeMounts.map(({ mountPath }) => mountPath).toSorted((one, other) => other.length - one.length)
  const here = (text: string) => {
    const place = places.find((path) => text.includes(`=${path}`))
    return place ? text.replace(`=${place}`, `=${join(folder, place)}`) : text
  }
  const env = Object.fromEntries(
    (pod.containers[0]?.env ?? []).flatMap(({ name, value }) =>
      value === undefined ? [] : [here(`${name}=${value}`).split('=', 2) as [string, string]],
    ),
  )
  const { binDir, redisUrl } = stack()
  const kubeconfig = await kubeconfigOf({ namespace, account: pod.serviceAccountName, folder, server })
  const { hostname } = new URL(/server: (\S+)/.exec(await readFile(kubeconfig, 'utf8'))?.[1] ?? '')
  const ours = [
    `--listen=127.0.0.1:${port}`,
    `--kubeconfig=${kubeconfig}`,
    `--redis-prefix={${namespace}}`,
    `--shutdown-grace=${grace}`,
    '--drain-time=0s',
  ]
  const child = spawn(process.execPath, [join(root, 'bin/capstan.mjs'), 'run', ...argvOf(pod).map(here), ...ours], {
    // every container has this variable, and it tells a pod that it is one
    env: {
      ...env,
      KUBERNETES_SERVICE_HOST: hostname,
      PATH: `${binDir}:${process.env.PATH ?? ''}`,
      CAPSTAN_REDIS_URL: redisUrl,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += String(chunk)))
  return {
    child,
    log: () => log,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** An emptyDir has none. */
async function filesOf({ secret, configMap }: Volume, namespace: string): Promise<Record<string, Buffer>> {
  const name = secret?.secretName ?? configMap?.name
  if (!name) return {}
  const kind = secret ? 'secret' : 'configmap'
  const { stdout } = await kubectl(['get', kind, name, '-n', namespace, '-o', 'json'])
  const { data = {} } = JSON.parse(stdout) as KubeObject
  return Object.fromEntries(
    Object.entries(data).map(([file, text]) => [file, Buffer.from(text, secret ? 'base64' : 'utf8')]),
  )
}
