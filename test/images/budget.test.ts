import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { deployment, namespace } from '../e2e/manifests.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { type FakeServer, json, startServer } from '../registry/fake-registry.ts'

type Shown = { images: { containers: { budget?: Record<string, unknown> }[] }[] }

describe('the budget of a registry, in capstan images', () => {
  const space = `budget-${randomBytes(3).toString('hex')}`
  const web = `${space}:deployment/web`
  const counts = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }
  let isRefusing = false
  let registry: FakeServer
  let repository: Repository
  let capstan: Capstan

  beforeAll(async () => {
    registry = await startServer((seen, answer) => {
      if (seen.path === '/v2/') return json(answer, 200, {})
      if (isRefusing) return json(answer, 429, {}, { 'retry-after': '600', 'x-ratelimit-remaining': '0' })
      return json(answer, 200, { name: 'web', tags: ['1.0.0', '1.0.1'] }, counts)
    })
    repository = await createRepository()
    const annotations = '    fluxcd.io/automated: "true"\n    fluxcd.io/tag.web: semver:~1.0\n'
    await repository.push({
      'namespace.yaml': namespace(space),
      'web.yaml': deployment('web', space, { replicas: 0, image: `${registry.host}/web:1.0.1`, annotations }),
    })
    capstan = await startCapstan([
      `--git-url=${repository.url}`,
      '--git-branch=main',
      '--sync-interval=1h',
      '--automation-interval=1h',
      '--sync-state=cluster',
      '--registry-rps=40',
      '--registry-burst=7',
      `--allow-namespace=${space}`,
      `--k8s-allow-namespace=${space}`,
      `--registry-insecure-host=${registry.host}`,
    ])
  })

  afterAll(async () => {
    await capstan?.stop()
    await repository?.stop()
    await registry?.close()
    await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
  })

  const scans = () => registry.seen.filter(({ path }) => path.startsWith('/v2/web/tags')).length

  async function notify(): Promise<void> {
    const event = { action: 'push', target: { repository: 'web', tag: '1.0.1' }, request: { host: registry.host } }
    const type = 'application/vnd.docker.distribution.events.v1+json'
    const headers = { authorization: `Bearer ${capstan.token}`, 'content-type': type }
    const body = JSON.stringify({ events: [event] })
    await fetch(`${capstan.url}/api/v1/images/notify`, { method: 'POST', headers, body })
  }

  it('is what the flags allow and what the registry said', async () => {
    const { stdout, stderr } = await capstan.cli('images', web)
    expect(stdout, stderr).toMatch(
      new RegExp(
        `\n  registry ${registry.host}: at most 40 requests/s, 7 at once; it said \\d+[sm] ago: 76 of 100 in 6h left\n`,
      ),
    )
    const { images } = JSON.parse((await capstan.cli('images', web, '-o', 'json')).stdout) as Shown
    expect(images[0]?.containers[0]?.budget).toMatchObject({
      host: registry.host,
      rps: 40,
      mostRps: 40,
      burst: 7,
      pausedUntil: '',
      said: { limit: 100, remaining: 76, windowSeconds: 21_600 },
    })
  })

  it('says until when a registry that refused is left alone, at which pace it goes on, also after a restart', async () => {
    isRefusing = true
    const before = scans()
    await notify()
    await until('the registry has refused a scan', async () => scans() > before)
    const paused = new RegExp(
      `registry ${registry.host}: at most 20 of 40 requests/s, 7 at once; it said \\d+[sm] ago: 0 left; asked to wait, tried again in (?:10|[5-9])m\n`,
    )
    await until('capstan images shows the pause', async () => paused.test((await capstan.cli('images', web)).stdout), {
      logFile: capstan.logFile,
    })
    await capstan.kill('SIGKILL')
    await capstan.start()
    const refused = scans()
    const { stdout } = await capstan.cli('images', web)
    expect(stdout).toMatch(paused)
    expect(stdout).toContain('1.0.1')
    expect(scans()).toBe(refused)
  })
})
