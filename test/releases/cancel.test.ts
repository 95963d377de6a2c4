import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { hook } from './workbench.ts'
import { kind, type ReleaseWorld, startReleaseWorld } from './world.ts'

let world: ReleaseWorld

beforeAll(async () => {
  world = await startReleaseWorld(['--charts-sync-interval=1h'])
  await world.publish('1.0.0', { 'hook.yaml': hook('post-install', 'Job') })
})

afterAll(async () => {
  await world.stop()
})

type Job = { id: string; state: string; reason: string; error?: string }

it('cancel stops the job of a release and the helm that it runs', async () => {
  const { capstan, namespace } = world
  await world.put('stuck', { releaseName: 'stuck', chart: world.chart('1.0.0') })
  const job = await until('helm waits for its hook', async () => {
    const { jobs } = await capstan.api<{ jobs: Job[] }>('/api/v1/jobs?kind=sync-release&state=active')
    return helms(namespace).length > 0 && (await revision())?.startsWith('pending-') ? jobs[0] : undefined
  })
  // the running job goes on; the next one would begin another helm as soon as this one has failed
  const suspend = { by: 'ana', why: 'audit' }
  await world.cluster.patch({ ...kind, namespace, name: 'stuck' }, { spec: { suspend } })
  const { code, stdout } = await capstan.cli('queue', 'cancel', job.id)
  expect({ code, stdout }).toMatchObject({ code: 0 })
  await until('no helm runs', async () => helms(namespace).length === 0)
  const ended = await until('the job has ended', async () => {
    const found = await capstan.api<Job>(`/api/v1/jobs/${encodeURIComponent(job.id)}`)
    return found.state === 'failed' ? found : undefined
  })
  expect(JSON.stringify(ended)).toContain('cancelled by')
  await until('helm says itself that it failed', async () => (await revision()) === 'failed')
})

/** helm's word for its newest revision. */
async function revision(): Promise<string | undefined> {
  const query = { apiVersion: 'v1', kind: 'Secret', namespace: world.namespace, labelSelector: 'owner=helm' }
  return (await world.cluster.list(query)).at(-1)?.metadata.labels?.status
}

/** helm's processes that work in a namespace. */
function helms(namespace: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const command = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : ''
      return command.includes('helm') && command.includes('install') && command.includes(namespace) ? [command] : []
    } catch {
      return []
    }
  })
}
