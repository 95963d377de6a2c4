import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { type ReleaseWorld, startReleaseWorld } from './world.ts'

let world: ReleaseWorld
const cli = async (...args: string[]) => await world.capstan.cli('helm', ...args)

beforeAll(async () => {
  world = await startReleaseWorld(['--charts-sync-interval=1h'])
  await world.publish('1.0.0')
  for (const color of ['red', 'blue']) {
    await world.put('web', { releaseName: 'web', chart: world.chart('1.0.0'), values: { color } })
    await world.released('web')
  }
})

afterAll(async () => {
  await world.stop()
})

const color = async () => {
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: world.namespace, name: 'web-config' }
  return ((await world.cluster.get(ref))?.data as Record<string, string> | undefined)?.color
}

describe('capstan helm', () => {
  it('history has what helm stored, newest first', async () => {
    const { code, stdout } = await cli('history', 'web')
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toMatch(/^REVISION +UPDATED +STATE +CHART +APP +DESCRIPTION$/)
    expect(stdout).toMatch(/^2 +\S+ +deployed +demo@1.0.0 +9 +Upgrade complete$/m)
    expect(stdout).toMatch(/^1 +\S+ +superseded +demo@1.0.0 +9 +Install complete$/m)
    const json = JSON.parse((await cli('history', 'web', '-o', 'json')).stdout)
    expect(json).toMatchObject({ release: 'web', revisions: [{ revision: 2 }, { revision: 1 }] })
  })

  it('values have their sources', async () => {
    const { code, stdout } = await cli('values', `${world.namespace}/web`)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^color +"blue" +spec.values +-$/m)
  })

  it('plan of what is deployed has nothing, exit 0', async () => {
    const { code, stdout } = await cli('plan', 'web')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'demo@1.0.0: no change, 1 unchanged\n' })
  })

  it('suspend stops it, and the plan shows what would come, exit 2', async () => {
    expect(await cli('suspend', 'web', '--reason', 'it rains', '--user', 'ana')).toMatchObject({ code: 0 })
    await world.put('web', { releaseName: 'web', chart: world.chart('1.0.0'), values: { color: 'green' } })
    const { code, stdout } = await cli('plan', 'web')
    expect(code).toBe(2)
    expect(stdout).toMatch(/^-  color: blue$/m)
    expect(stdout).toMatch(/^\+  color: green$/m)
    expect(stdout).toContain('suspended by ana')
    expect(await color()).toBe('blue')
    await until('the status to say why', async () => (await world.capstan.cli('status')).stdout.includes('it rains'))
  })

  it('resume goes on', async () => {
    expect(await cli('resume', 'web')).toMatchObject({ code: 0 })
    await until('it is green', async () => (await color()) === 'green')
    await world.released('web')
  })

  it('rollback goes back, says who, and ends with the next change', async () => {
    const { code, stdout } = await cli('rollback', 'web', '1', '--user', 'ana')
    expect(code).toBe(0)
    expect(stdout).toMatch(/rolling back .* to revision 1; job sync-release\.\S+ follows/)
    await until('it is red', async () => (await color()) === 'red')
    await until('the status says so', async () =>
      (await world.capstan.cli('status')).stdout.includes('RolledBack rolled back to revision 1 by ana'),
    )
    await world.put('web', { releaseName: 'web', chart: world.chart('1.0.0'), values: { color: 'black' } })
    await until('it is black', async () => (await color()) === 'black')
    await world.released('web')
  })

  it.each<[string, string[], number, RegExp]>([
    ['a release that there is not', ['plan', 'nobody'], 4, /There is no release nobody/],
    ['a revision that helm does not have', ['rollback', 'web', '99'], 1, /NoRevision/],
    ['a revision that is no number', ['rollback', 'web', 'x'], 64, /must be a number/],
  ])('refuses %s', async (_what, args, code, message) => {
    const answer = await cli(...args)
    expect(answer.code).toBe(code)
    expect(answer.stdout + answer.stderr).toMatch(message)
  })

  it('asks which one where two have the name', async () => {
    await world.put('twin-a', { releaseName: 'twin', suspend: {}, chart: world.chart('1.0.0') })
    await world.put('twin-b', { releaseName: 'twin', suspend: {}, chart: world.chart('1.0.0') })
    await until('both are known', async () => (await cli('history', 'twin-b')).code === 0)
    expect(await cli('history', 'twin')).toMatchObject({ code: 64, stderr: expect.stringContaining('Which release?') })
  })
})

describe("the Helm Operator's POST /api/v1/sync-git", () => {
  it('looks at every release again', async () => {
    const headers = { authorization: `Bearer ${world.capstan.token}` }
    const url = `${world.capstan.url}/api/v1/sync-git`
    const secret = { apiVersion: 'v1', kind: 'ConfigMap', namespace: world.namespace, name: 'capstan-release-web' }
    await world.cluster.delete(secret, {})
    const answer = await fetch(url, { method: 'POST', headers })
    expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 200, body: 'OK' })
    await until('its record is made again', async () => (await world.cluster.get(secret)) !== undefined)
  })
})
