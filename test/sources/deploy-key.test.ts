import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { realCluster, removeNamespace } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'

const cluster = realCluster()
let capstan: Capstan

beforeAll(async () => {
  const port = await freePort()
  capstan = await startCapstan([
    '--enable=sync',
    `--git-url=ssh://git@127.0.0.1:${port}/fleet.git`,
    '--k8s-secret-name=fleet-key',
    '--k8s-secret-volume-mount-path=/nowhere',
  ])
})

afterAll(async () => {
  await capstan?.stop()
  if (capstan) await removeNamespace(cluster, capstan.namespace)
  await cluster.close()
})

const secretOf = async (): Promise<KubeObject | undefined> =>
  await cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace: capstan.namespace, name: 'fleet-key' })

it('a deploy key is made once, put into its Secret, logged, shown, and used again after every start', async () => {
  const secret = await until('the Secret is there', secretOf, { logFile: capstan.logFile })
  const data = secret.data as Record<string, string>
  const publicKey = Buffer.from(data['identity.pub'] ?? '', 'base64').toString()
  expect(publicKey).toMatch(/^ssh-ed25519 \S+ capstan\n$/)

  const shown = await capstan.cli('identity')
  expect(shown).toEqual({ code: 0, stdout: publicKey, stderr: '' })
  expect((await capstan.cli('identity', '-l')).stdout).toMatch(/^(?:[0-9a-f]{2}:){15}[0-9a-f]{2}\n$/)
  const log = readFileSync(capstan.logFile, 'utf8')
  expect(log.split(publicKey.trim())).toHaveLength(2)
  expect(log).not.toContain('PRIVATE KEY')

  await capstan.kill('SIGTERM')
  await capstan.start()
  expect((await capstan.cli('identity')).stdout).toBe(publicKey)
  await until(
    'its fetch has tried the key',
    async () => readFileSync(capstan.logFile, 'utf8').split(publicKey.trim()).length === 3,
  )
  expect((await secretOf())?.metadata.resourceVersion).toBe(secret.metadata.resourceVersion)
})
