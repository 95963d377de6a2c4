import { afterEach, expect, it } from 'vitest'
import { AppError } from '../../src/domain/error.ts'
import { configMap } from './manifests.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

let bench: Workbench

afterEach(async () => {
  await bench.close()
})

const dataOf = async (name: string) =>
  (await bench.cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.target, name }))?.data

const sealed = (value: string) => `# sops: stands for what sops writes\n${configMap('sealed', value)}`

it('a source that has no keys any more keeps what they opened, says so for each file, and applies the rest', async () => {
  bench = await createWorkbench({ sops: true, sopsKeys: 'secret', sopsSecretName: 'keys' })
  bench.push({ 'sealed.yaml': sealed('1'), 'plain.yaml': configMap('plain', '1'), 'gone.yaml': configMap('gone', '1') })
  await bench.sync()
  expect(await dataOf('sealed')).toEqual({ key: '1' })

  const withKeys = bench.open
  bench.open = async () => {
    throw new AppError('DecryptFailed', 'The Secret team/keys does not exist.')
  }
  bench.push({ 'sealed.yaml': sealed('2'), 'other.yaml': sealed('2'), 'plain.yaml': configMap('plain', '2') })
  await bench.sync()
  const { ready, failed } = await bench.status()
  const why = { reason: 'DecryptFailed', message: 'The Secret team/keys does not exist.' }
  expect(ready).toBe(false)
  expect(failed).toMatchObject([
    { ...why, file: 'other.yaml' },
    { ...why, file: 'sealed.yaml' },
  ])
  expect([await dataOf('sealed'), await dataOf('plain'), await dataOf('gone')]).toEqual([
    { key: '1' },
    { key: '2' },
    { key: '1' },
  ])

  bench.open = withKeys
  bench.push({ 'sealed.yaml': sealed('2'), 'plain.yaml': configMap('plain', '2') })
  await bench.sync()
  expect(await bench.status()).toMatchObject({ ready: true, failed: [] })
  expect([await dataOf('sealed'), await dataOf('gone')]).toEqual([{ key: '2' }, undefined])
})

it('a cluster that does not say which keys a source has ends the sync, and nothing is touched', async () => {
  bench = await createWorkbench({ sops: true, sopsKeys: 'secret', sopsSecretName: 'keys' })
  bench.open = async () => {
    throw new AppError('ClusterUnavailable', 'no answer')
  }
  bench.push({ 'sealed.yaml': sealed('1'), 'plain.yaml': configMap('plain', '1') })
  await expect(bench.sync()).rejects.toMatchObject({ reason: 'ClusterUnavailable' })
  expect(await dataOf('plain')).toBeUndefined()
})
