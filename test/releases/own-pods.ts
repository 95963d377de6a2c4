import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { kubeconfigOf } from '../packaging/account.ts'
import type { PodSpec } from '../packaging/chart.ts'
import { root } from '../packaging/dockerfile.ts'
import { type PodProcess, startPod } from '../packaging/pod-process.ts'

/** A process that was started for a pod of Capstan's Deployment. */
export type Played = PodProcess & { pod: string; image: string; port: number }

/** Does what a kubelet does for the pods of Capstan's chart in one namespace, without a node. */
export type OwnPods = {
  /** All processes so far, the oldest first. */
  processes(): readonly Played[]
  /** What the hook before an uninstall printed, each time that it ran. */
  ejected(): readonly string[]
  /** Ends all that runs; no pod is played after that. */
  stop(): Promise<void>
}

/** `server`: where the processes find the API server; `grace`: their `--shutdown-grace`. */
type PlayOptions = { namespace: string; folder: string; server: string; grace: () => string }

/**
 * Really runs the programs of the pods that there are: Capstan until its pod goes, which is SIGTERM, and the hook's Job to its end. A pod
 * is ready when its process is; that of Redis at once, for the stack's is used.
 */
export async function playOwnPods(cluster: Cluster, options: PlayOptions): Promise<OwnPods> {
  const { namespace, folder, server, grace } = options
  const seen = new Set<string>()
  const alive = new Set<string>()
  const processes: Played[] = []
  const ejected: string[] = []
  const works = new Set<Promise<void>>()
  const problems: string[] = []

  const say = async (pod: KubeObject, phase: string) => {
    const conditions =
      phase === 'Running'
        ? ['Initialized', 'Ready', 'ContainersReady'].map((type) => ({ type, status: 'True' }))
        : undefined
    const ref = { apiVersion: 'v1', kind: 'Pod', namespace, name: pod.metadata.name }
    const status = { phase, ...(conditions ? { conditions } : {}) }
    // one that is gone meanwhile needs no status
    await cluster
      .patch(ref, { metadata: { uid: pod.metadata.uid }, status }, { subresource: 'status' })
      .catch(() => undefined)
  }

  async function runCapstan(pod: KubeObject, spec: PodSpec): Promise<void> {
    const own = join(folder, pod.metadata.name)
    mkdirSync(own, { recursive: true })
    const port = await freePort()
    const started = await startPod(spec, { namespace, folder: own, port, server, grace: grace() })
    processes.push({ ...started, pod: pod.metadata.name, image: spec.containers[0]?.image ?? '', port })
    if (!alive.has(pod.metadata.uid ?? '')) return await started.stop()
    const isOver = () => started.child.exitCode !== null || started.child.signalCode !== null
    await until(`${pod.metadata.name} is ready`, async () => {
      return isOver() || !alive.has(pod.metadata.uid ?? '') || (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
    })
    if (!isOver()) await say(pod, 'Running')
  }

  async function runEject(pod: KubeObject, spec: PodSpec): Promise<void> {
    const own = join(folder, pod.metadata.name)
    mkdirSync(own, { recursive: true })
    const file = await kubeconfigOf({ namespace, account: spec.serviceAccountName, folder: own })
    const [{ args, command } = { args: [], command: undefined }] = spec.containers
    if (command) throw new Error(`the hook does not start the image's own program: ${command.join(' ')}`)
    const child = spawn(process.execPath, [join(root, 'bin/capstan.mjs'), ...args, `--kubeconfig=${file}`], { env: {} })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += String(chunk)))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    ejected.push(printed)
    await say(pod, code === 0 ? 'Succeeded' : 'Failed')
  }

  async function play(pod: KubeObject): Promise<void> {
    const spec = pod.spec as PodSpec
    const what = pod.metadata.labels?.['app.kubernetes.io/name']
    if (what === 'capstan') await runCapstan(pod, spec)
    else if (what === 'capstan-eject') await runEject(pod, spec)
    else await say(pod, 'Running')
  }

  function note(work: Promise<void>): void {
    const noted = work.catch((error: unknown) => void problems.push(String(error))).finally(() => works.delete(noted))
    works.add(noted)
  }

  function meet(pod: KubeObject): void {
    const { uid = '' } = pod.metadata
    if (seen.has(uid)) return
    seen.add(uid)
    alive.add(uid)
    note(play(pod))
  }

  function part({ metadata: { uid = '', name } }: KubeObject): void {
    alive.delete(uid)
    for (const one of processes) if (one.pod === name) note(one.stop())
  }

  const watch = cluster.watch({ apiVersion: 'v1', kind: 'Pod', namespace }, (event) => {
    if (event.type === 'replaced') event.items.forEach(meet)
    else if (event.type === 'changed') meet(event.object)
    else part(event.object)
  })
  await watch.synced
  return {
    processes: () => processes,
    ejected: () => ejected,
    async stop() {
      watch.stop()
      alive.clear()
      await Promise.all(processes.map((one) => one.stop()))
      while (works.size > 0) await Promise.all(works)
      if (problems.length > 0) throw new Error(`pods could not be played: ${problems.join('; ')}`)
    },
  }
}
