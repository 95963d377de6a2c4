import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { type Cluster, createLeadership } from '../../src/adapters/cluster/index.ts'
import { stack } from '../stack/stack.ts'
import { makeNamespace, quiet, realCluster, removeNamespace, until } from './world.ts'

it('takes the lead over after kill -9, not before the Lease expired (hazard F4)', async () => {
  const cluster = realCluster()
  const namespace = await makeNamespace(cluster)
  const script = fileURLToPath(new URL('leader-process.ts', import.meta.url))
  const victim = spawn(process.execPath, [script, stack().kubeconfig, namespace], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  victim.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await until('the other process leads', () => said.includes('leads'))
  /** When the heir saw each version of the Lease first; how slow the victim or this process is does not matter to it. */
  const seenAt = new Map<string, number>()
  const looking: Cluster = {
    ...cluster,
    async get(...given) {
      const found = await cluster.get(...given)
      const version = found?.metadata.resourceVersion ?? ''
      if (!seenAt.has(version)) seenAt.set(version, performance.now())
      return found
    },
  }
  const heir = createLeadership({ cluster: looking, namespace, identity: 'heir', log: quiet, onLead: () => {} })
  await until('the heir has seen the living leader renew', () => seenAt.size > 1)
  expect(heir.isLeader()).toBe(false)
  victim.kill('SIGKILL')
  await until('the heir leads', () => heir.isLeader())
  expect(performance.now() - Math.max(...seenAt.values())).toBeGreaterThanOrEqual(15_000)
  await heir.stop()
  await removeNamespace(cluster, namespace)
  await cluster.close()
})
