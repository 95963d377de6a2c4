import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Capstan, startCapstan } from './capstan.ts'
import { syncTag } from './fluxd.ts'
import { kubectl, read } from './kubectl.ts'
import { configMap, namespace } from './manifests.ts'
import { createRepository, type Repository } from './repository.ts'

const space = `mirror-${randomBytes(3).toString('hex')}`
const copy = mkdtempSync(join(tmpdir(), 'capstan-mirror-'))
let repository: Repository
let capstan: Capstan

beforeAll(async () => {
  repository = await createRepository()
  await repository.push({ 'deploy/ns.yaml': namespace(space), 'deploy/a.yaml': configMap('a', space, 'one') })
  capstan = await startCapstan([
    `--git-url=${repository.url}`,
    '--git-branch=main',
    '--git-path=deploy',
    '--git-poll-interval=1h',
    '--sync-interval=1h',
    '--enable=sync',
  ])
})

afterAll(async () => {
  await capstan?.stop()
  await repository?.stop()
  rmSync(copy, { recursive: true, force: true })
  await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
})

it('never goes back to an older commit because its own mirror is older than what another process applied', async () => {
  const cache = join(capstan.directory, 'cache')
  expect((await capstan.cli('sync')).code).toBe(0)
  const old = await repository.git('rev-parse', 'HEAD')
  await capstan.kill('SIGTERM')
  cpSync(cache, copy, { recursive: true })

  await capstan.start()
  const commit = await repository.change({ 'deploy/a.yaml': configMap('a', space, 'two') })
  expect((await capstan.cli('sync')).code).toBe(0)
  await capstan.kill('SIGTERM')
  rmSync(cache, { recursive: true })
  cpSync(copy, cache, { recursive: true })
  const before = readFileSync(capstan.logFile, 'utf8').length
  const { resourceVersion } = (await read('configmap', space, 'a'))?.metadata ?? {}

  await capstan.start()
  expect((await capstan.cli('sync')).code).toBe(0)
  const log = readFileSync(capstan.logFile, 'utf8').slice(before)
  expect(log).not.toContain(old)
  expect(log).not.toContain('HistoryRewritten')
  expect((await read('configmap', space, 'a'))?.metadata.resourceVersion).toBe(resourceVersion)
  expect(await syncTag(repository)).toEqual({ commit, message: 'Sync pointer' })
})
