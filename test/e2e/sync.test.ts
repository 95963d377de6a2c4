import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { type Capstan, startCapstan } from './capstan.ts'
import { kubectl, read } from './kubectl.ts'
import { configMap, deployment, namespace } from './manifests.ts'
import { createRepository, type Repository } from './repository.ts'

type Status = {
  ready: boolean
  sources: {
    ready: boolean
    reason: string
    attempted: string
    objects: number
    failed: { id: string; file: string; line: number }[]
  }[]
}

describe('a repository kept applied by a real process', () => {
  const id = randomBytes(3).toString('hex')
  const space = `e2e-${id}`
  const secretFile = join(tmpdir(), `capstan-hook-${id}`)
  let repository: Repository
  let capstan: Capstan

  const status = async () => await capstan.api<Status>('/api/v1/status')
  const replicas = async () =>
    ((await read('deployment', space, 'web'))?.spec as { replicas: number } | undefined)?.replicas
  const setting = async () => ((await read('configmap', space, 'settings'))?.data as { key: string } | undefined)?.key
  const isAt = async (commit: string) => {
    const { sources } = await status()
    return sources[0]?.ready && sources[0].attempted === `main@${commit}`
  }

  beforeAll(async () => {
    writeFileSync(secretFile, 'x'.repeat(32), { mode: 0o600 })
    repository = await createRepository()
    const commit = await repository.push({
      'deploy/namespace.yaml': namespace(space),
      'deploy/web.yaml': deployment('web', space, { replicas: 0 }),
      'deploy/settings.yaml': configMap('settings', space, 'one'),
      'deploy/more.yaml': configMap('more', space, 'one'),
    })
    capstan = await startCapstan([
      `--git-url=${repository.url}`,
      '--git-branch=main',
      '--git-path=deploy',
      '--git-poll-interval=1h',
      '--sync-interval=1h',
      '--sync-garbage-collection',
      '--sync-state=cluster',
      `--webhook-secret-file=${secretFile}`,
      '--enable=sync',
    ])
    repository.notify(`${capstan.url}/hooks/v1/default`, 'x'.repeat(32))
    await until('the first sync', async () => await isAt(commit), { logFile: capstan.logFile })
  })

  afterAll(async () => {
    await capstan?.stop()
    await repository?.stop()
    await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
  })

  it('shows it green, for people and for scripts', async () => {
    const table = await capstan.cli('status')
    expect(table.code).toBe(0)
    expect(table.stdout).toContain('default')
    const json = await capstan.cli('status', '-o', 'json')
    expect(JSON.parse(json.stdout)).toMatchObject({ ready: true, sources: [{ ready: true, objects: 4 }] })
  })

  it('follows a push: a changed replica count and a removed file', async () => {
    await repository.change({
      'deploy/web.yaml': deployment('web', space, { replicas: 2 }),
      'deploy/more.yaml': undefined,
    })
    await until('two replicas', async () => (await replicas()) === 2, { logFile: capstan.logFile })
    await until('the removed object is gone', async () => (await read('configmap', space, 'more')) === undefined, {
      logFile: capstan.logFile,
    })
  })

  it('repairs what kubectl deletes and scales', async () => {
    await kubectl('delete', 'configmap', 'settings', '-n', space)
    await until('it is back', async () => await read('configmap', space, 'settings'), { logFile: capstan.logFile })
    await kubectl('scale', 'deployment/web', '-n', space, '--replicas=5')
    await until('git wins', async () => (await replicas()) === 2, { logFile: capstan.logFile })
  })

  it('says what is wrong with file and line, and goes on by itself when it is mended', async () => {
    await repository.change({
      'deploy/bad.yaml': 'a: 1\n---\nkind: [\n',
      'deploy/settings.yaml': configMap('settings', space, 'two'),
    })
    const { sources } = await until('the failure is seen', async () => {
      const now = await status()
      return now.sources[0]?.failed.length ? now : undefined
    })
    expect(sources[0]).toMatchObject({ ready: false, reason: 'InvalidYAML', failed: [{ file: 'deploy/bad.yaml' }] })
    await until('the rest is applied', async () => (await setting()) === 'two')
    expect((await capstan.cli('status')).code).toBe(1)
    const waited = await capstan.cli('sync', 'default')
    expect(waited.code).toBe(1)
    const commit = await repository.change({ 'deploy/bad.yaml': undefined })
    await until('green again', async () => await isAt(commit), { logFile: capstan.logFile })
  })

  it('reconciles for a person at an unchanged head, and waits for it', async () => {
    const { code, stdout, stderr } = await capstan.cli('sync')
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stdout).toContain('main@')
  })

  it('ends orderly on SIGTERM and finds everything again', async () => {
    expect(await capstan.kill('SIGTERM')).toBe(0)
    await repository.change({ 'deploy/settings.yaml': configMap('settings', space, 'three') })
    await capstan.start()
    await until('what was pushed meanwhile', async () => (await setting()) === 'three', { logFile: capstan.logFile })
  })

  it('shows no token and no secret in its log', () => {
    const log = readFileSync(capstan.logFile, 'utf8')
    expect(log).not.toContain(capstan.token)
    expect(log).not.toContain('x'.repeat(32))
  })
})
