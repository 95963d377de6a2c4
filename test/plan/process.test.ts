import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { kubectl, read } from '../e2e/kubectl.ts'
import { configMap, namespace } from '../e2e/manifests.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { stack } from '../stack/stack.ts'

type Source = { ready: boolean; reason: string; message: string; attempted: string; held: { reason: string }[] }

/** Binds everything together: command line, API, real Redis, worker, cluster. */
describe('plans and changes in a real process', () => {
  const space = `plan-${randomBytes(3).toString('hex')}`
  let repository: Repository
  let capstan: Capstan

  const source = async () => (await capstan.api<{ sources: Source[] }>('/api/v1/status')).sources[0]

  beforeAll(async () => {
    repository = await createRepository()
    await repository.push({ 'ns.yaml': namespace(space) })
    capstan = await startCapstan([
      `--git-url=${repository.url}`,
      '--git-branch=main',
      '--git-poll-interval=1h',
      '--sync-interval=1h',
      '--sync-garbage-collection',
      '--sync-state=cluster',
      '--enable=sync',
    ])
    await until('the first sync', async () => (await source())?.ready === true, { logFile: capstan.logFile })
  })

  afterAll(async () => {
    await capstan?.stop()
    await repository?.stop()
    await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
  })

  it('plans, syncs, and plans nothing', async () => {
    const many = Array.from({ length: 12 }, (_, at) => [`c${at}.yaml`, configMap(`c${at}`, space, 'one')])
    await repository.change(Object.fromEntries(many) as Record<string, string>)
    const before = await capstan.cli('plan')
    expect(before).toMatchObject({ code: 2, stdout: expect.stringContaining('12 created, 1 unchanged') })
    expect(await read('configmap', space, 'c1')).toBeUndefined()
    expect((await capstan.cli('sync')).code).toBe(0)
    expect(await capstan.cli('plan')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no change, 13 unchanged'),
    })
  })

  it('plans a folder of this machine, which lies in Redis only encrypted', async () => {
    const folder = join(capstan.directory, 'checkout')
    mkdirSync(folder)
    writeFileSync(join(folder, 'ns.yaml'), namespace(space))
    writeFileSync(join(folder, 'c0.yaml'), configMap('c0', space, 'hunter2hunter2'))
    const plan = await capstan.cli('plan', '--dir', folder)
    expect(plan).toMatchObject({ code: 2, stdout: expect.stringContaining('1 configured, 11 held, 1 unchanged') })
    expect((await capstan.cli('plan', '--ref', 'no-such-branch')).code).toBe(4)
  })

  it('stops for a person, and goes on', async () => {
    expect(await capstan.cli('suspend', '--reason', 'it rains', '--user', 'bob')).toMatchObject({ code: 0 })
    await until('it stands still', async () => (await source())?.reason === 'Suspended', { logFile: capstan.logFile })
    expect((await source())?.message).toContain('suspended by bob')
    expect(await capstan.cli('resume')).toMatchObject({ code: 0 })
    await until('it goes on', async () => (await source())?.ready === true, { logFile: capstan.logFile })
  })

  it('holds a mass deletion until somebody approves it', async () => {
    await repository.push({ 'ns.yaml': namespace(space), 'c0.yaml': configMap('c0', space, 'one') })
    expect((await capstan.cli('sync')).code).toBe(1)
    expect(await capstan.cli('approve')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('approved the deletions'),
    })
    await until('they are gone', async () => (await read('configmap', space, 'c1')) === undefined)
    await until('all is well', async () => (await source())?.ready === true, { logFile: capstan.logFile })
    expect(await capstan.cli('approve')).toMatchObject({ stdout: expect.stringContaining('nothing waits') })
  })

  it('leaves requests behind for a day at most, and plans for an hour', async () => {
    const redis = new Redis(stack().redisUrl)
    try {
      const keys = await redis.keys('{capstan-*}:store:*')
      const own = keys.filter((key) => key.includes(capstan.namespace))
      for (const key of own.filter((one) => /:(?:request|plan|request-files):/.test(one))) {
        const ttl = await redis.pttl(key)
        expect(ttl).toBeGreaterThan(0)
        expect(ttl).toBeLessThanOrEqual((key.includes(':plan:') ? 1 : 24) * 3_600_000)
      }
      expect(own.filter((key) => key.includes(':request:')).length).toBeGreaterThan(5)
      expect(own.filter((key) => key.includes(':request-files:'))).toEqual([])
    } finally {
      redis.disconnect()
    }
  })
})
