import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../playground/stack/ports.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { argvOf, type PodSpec } from '../packaging/chart.ts'
import { root } from '../packaging/dockerfile.ts'
import { stack } from '../stack/stack.ts'

/** kwok runs nothing: in place of the pod a real `capstan run` with its very arguments, as long as its Deployment wants one. */
export type StandIn = {
  logFile: string
  /** Once it runs with these, whatever comes. */
  argv(): readonly string[]
  /** The pods become ready, and nothing is behind them. */
  refuseToStart(): void
  stop(): Promise<void>
}

type Options = { cluster: Cluster; namespace: string; apps: string; folder: string }

export function startStandIn({ cluster, namespace, apps, folder }: Options): StandIn {
  const over = new AbortController()
  const logFile = join(folder, 'capstan.log')
  const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'capstan' }
  let child: ChildProcess | undefined
  let argv: string[] = []
  let mayStart = true

  async function start(pod: PodSpec): Promise<void> {
    const { kubeconfig, redisUrl, helm, binDir } = stack()
    argv = argvOf(pod)
    const here = [
      `--listen=127.0.0.1:${await freePort()}`,
      `--kubeconfig=${kubeconfig}`,
      `--redis-url=${redisUrl}`,
      `--redis-prefix={${namespace}}`,
      `--state-dir=${join(folder, 'state')}`,
      '--token-file=',
      '--webhook-secret-file=',
      `--helm-binary=${helm}`,
      '--shutdown-grace=5s',
      // the cluster is shared: Source objects and definitions of other tests are not ours
      `--source-namespaces=${apps}`,
      '--install-crds=false',
    ]
    const env = { ...process.env, PATH: `${binDir}:${process.env.PATH ?? ''}` }
    child = spawn(process.execPath, [join(root, 'bin/capstan.mjs'), 'run', ...argv, ...here], { env })
    const log = createWriteStream(logFile, { flags: 'a' })
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
  }

  async function end(): Promise<void> {
    const running = child
    child = undefined
    if (!running || running.exitCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGTERM')
    await ended
  }

  async function follow(): Promise<void> {
    while (!over.signal.aborted) {
      const { replicas = 0, template } = ((await cluster.get(ref))?.spec ?? {}) as {
        replicas?: number
        template?: { spec: PodSpec }
      }
      const wanted = replicas > 0 && mayStart && template !== undefined
      if (wanted && argvOf(template.spec).join('\n') !== argv.join('\n')) await end()
      if (wanted && !child) await start(template.spec)
      if (!wanted) await end()
      await sleep(200)
    }
  }

  const following = follow()
  return {
    logFile,
    argv: () => argv,
    refuseToStart() {
      mayStart = false
    },
    async stop() {
      over.abort()
      await following
      await end()
    },
  }
}
