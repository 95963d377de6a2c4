import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { createLeadership } from '../../src/adapters/cluster/index.ts'
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
  const heir = createLeadership({ cluster, namespace, identity: 'heir', log: quiet, onLead: () => {} })
  const seen = performance.now()
  await until('the heir has looked at the living leader for a while', () => performance.now() - seen > 3000)
  expect(heir.isLeader()).toBe(false)
  victim.kill('SIGKILL')
  const killedAt = performance.now()
  await until('the heir leads', () => heir.isLeader())
  expect(performance.now() - killedAt).toBeGreaterThan(5_000)
  await heir.stop()
  await removeNamespace(cluster, namespace)
  await cluster.close()
})
