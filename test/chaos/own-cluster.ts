import { existsSync } from 'node:fs'
import { cp, readFile, rename } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { callApiServer } from '../../playground/stack/api-server.ts'
import { type ControlPlane, startControlPlane } from '../../playground/stack/control-plane.ts'
import type { Program } from '../../playground/stack/supervise.ts'
import { createSupervisor } from '../../playground/stack/supervisor.ts'
import { until } from '../../playground/stack/until.ts'
import type { Stack } from '../stack/stack.ts'

/** A control plane that a trial may break; others go on with the one of the stack. */
export type OwnCluster = {
  kubeconfig: string
  /** kill -9; the supervisor starts it again at once, with an empty cache. Resolves when it is ready again. */
  restartApiServer(): Promise<void>
  /** Drops the history of etcd up to now: what was seen before cannot be watched from any more. */
  compact(): Promise<void>
  /** Keeps what etcd has now, as after a crash: a copy of its folder while it stands still. */
  backup(): Promise<void>
  /** The cluster is what it was at the backup, versions of resources included, and all that came later is lost. */
  restore(): Promise<void>
  stop(): Promise<void>
}

export async function startOwnCluster(stack: Stack, directory: string): Promise<OwnCluster> {
  const supervisor = createSupervisor({ directory })
  const plane: ControlPlane = await startControlPlane({
    supervisor,
    directory,
    binaries: {
      etcd: find('etcd', stack),
      kubeApiserver: find('kube-apiserver', stack),
      kubeControllerManager: find('kube-controller-manager', stack),
      kubeScheduler: find('kube-scheduler', stack),
    },
  })
  const ready = async () => (await callApiServer(plane.access, 'GET', '/readyz')).status === 200
  const isKilled = async (program: Program) => {
    const before = program.restarts()
    program.signal('SIGKILL')
    await until(`${program.name} is started again`, async () => program.restarts() > before)
  }
  const restartApiServer = async () => {
    await isKilled(plane.apiServer)
    await until('kube-apiserver is back', ready)
  }
  const [data, kept] = ['etcd', 'etcd-kept'].map((name) => join(directory, name)) as [string, string]
  return {
    kubeconfig: plane.kubeconfig,
    restartApiServer,
    async backup() {
      await standsStill(plane.etcd.program)
      await cp(data, kept, { recursive: true })
      plane.etcd.program.signal('SIGCONT')
    },
    async restore() {
      await standsStill(plane.etcd.program)
      await rename(data, `${data}-lost`)
      await rename(kept, data)
      await isKilled(plane.etcd.program)
      await restartApiServer()
    },
    async compact() {
      const { url } = plane.etcd
      const post = async (path: string, body: object) => {
        const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) })
        if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`)
        return (await answer.json()) as { header: { revision: string } }
      }
      const { header } = await post('/v3/kv/range', { key: 'AA==', range_end: 'AA==', count_only: true })
      await post('/v3/kv/compaction', { revision: header.revision, physical: true })
    },
    stop: () => plane.stop(),
  }
}

async function standsStill(program: Program): Promise<void> {
  program.signal('SIGSTOP')
  const isStopped = async () => / \(.*\) T /.test(await readFile(`/proc/${program.pid()}/stat`, 'utf8'))
  await until(`${program.name} stands still`, isStopped)
}

function find(name: string, { binDir }: Stack): string {
  const folders = [binDir, ...(process.env.PATH ?? '').split(delimiter)]
  const folder = folders.find((one) => existsSync(join(one, name)))
  if (!folder) throw new Error(`${name} is neither in ${binDir} nor on PATH`)
  return join(folder, name)
}
