import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startGitServer } from '../../playground/stack/git-server.ts'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import { benchRepository } from '../bench/repository.ts'
import { startTcpProxy } from '../cluster/tcp-proxy.ts'
import { stack } from '../stack/stack.ts'
import { type Capstan, runCapstan, startCapstan } from './capstan.ts'
import { kubectl } from './kubectl.ts'
import { namespace } from './manifests.ts'
import { startRedis, type TestRedis } from './redis.ts'
import { createRepository, type Repository } from './repository.ts'

type Status = {
  releases: { namespace: string; reason: string; ready: boolean }[]
  ready: boolean
  sources: { ready: boolean; reason: string; message: string; attempted: string; objects: number }[]
}

const apps = 30
const spaces = 2

describe('faults', () => {
  let repository: Repository | undefined
  let capstan: Capstan | undefined
  let redis: TestRedis | undefined
  let prefix = ''

  afterEach(async () => {
    await capstan?.stop()
    await repository?.stop()
    await redis?.stop()
    const names = Array.from({ length: spaces }, (_, n) => `${prefix}-${n}`)
    await kubectl('delete', 'namespace', ...names, '--ignore-not-found', '--wait=false')
    capstan = undefined
    repository = undefined
    redis = undefined
  })

  async function begin(
    flags: string[] = [],
    options: { redisUrl?: string; kubeconfig?: string } = {},
  ): Promise<string> {
    prefix = `fault-${randomBytes(3).toString('hex')}`
    repository = await createRepository()
    const commit = await repository.push(Object.fromEntries(benchRepository(prefix, apps, spaces).files))
    const common = [
      `--git-url=${repository.url}`,
      '--git-branch=main',
      '--git-poll-interval=2s',
      '--sync-interval=5s',
      '--sync-garbage-collection',
      '--sync-state=cluster',
      '--enable=sync',
    ]
    capstan = await startCapstan([...common, ...flags], options)
    return commit
  }

  async function source() {
    const status = await capstan?.api<Status>('/api/v1/status')
    return status?.sources[0]
  }

  async function equalsGit(commit: string): Promise<void> {
    await until(
      `the cluster equals git at ${commit}`,
      async () => {
        const now = await source()
        return now?.ready && now.attempted === `main@${commit}`
      },
      { timeoutMs: 240_000, ...(capstan ? { logFile: capstan.logFile } : {}) },
    )
    for (let n = 0; n < spaces; n++) {
      const names = await kubectl('get', 'deployments,services,ingresses', '-n', `${prefix}-${n}`, '-o', 'name')
      expect(names.trim().split('\n')).toHaveLength((3 * apps) / spaces)
    }
  }

  it('kill -9 in the middle of a sync, again and again: the next start finishes the work', async () => {
    const commit = await begin()
    for (let kill = 0; kill < 5; kill++) {
      const written = 10 * kill
      await until('some objects are written', async () => {
        const names = await kubectl('get', 'serviceaccounts', '-A', '-l', 'fluxcd.io/sync-gc-mark', '-o', 'name')
        return names.split('\n').length > Math.min(written, 20)
      })
      await capstan?.kill('SIGKILL')
      await capstan?.start()
    }
    await equalsGit(commit)
  })

  it('FLUSHALL while it works: it converges', async () => {
    redis = await startRedis()
    const commit = await begin([], { redisUrl: redis.url })
    await redis.flush()
    await equalsGit(commit)
    await redis.flush()
    const next = await (repository as Repository).change({
      'apps/more.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: ${prefix}-0}\n`,
    })
    await equalsGit(next)
  })

  it('Redis gone: reads go on, nothing is lost, work resumes', async () => {
    redis = await startRedis()
    const commit = await begin([], { redisUrl: redis.url })
    await equalsGit(commit)
    await redis.kill()
    const next = await (repository as Repository).change({
      'apps/more.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: ${prefix}-0}\n`,
    })
    expect((await source())?.attempted).toBe(`main@${commit}`)
    expect((await fetch(`${capstan?.url}/healthz`)).status).toBe(200)
    await redis.start()
    await equalsGit(next)
  })

  it('a git server that does not answer has one clear reason, and is forgiven when it is back', async () => {
    const commit = await begin()
    await equalsGit(commit)
    const { port, root } = (repository as Repository).server
    await (repository as Repository).server.stop()
    await until('the reason is shown', async () => (await source())?.reason === 'GitUnreachable')
    const again = await startGitServer({ root, port })
    await equalsGit(commit)
    await again.stop()
  })

  it('a branch that does not exist has one clear reason and starts by itself when it is pushed', async () => {
    prefix = `fault-${randomBytes(3).toString('hex')}`
    repository = await createRepository()
    await repository.push({ 'README.md': 'empty' })
    capstan = await startCapstan([
      `--git-url=${repository.url}`,
      '--git-branch=later',
      '--git-poll-interval=1s',
      '--enable=sync',
    ])
    await until('the reason is shown', async () => (await source())?.reason === 'GitRefNotFound')
    await repository.git('push', '-q', 'origin', 'main:later')
    await until('it is synced', async () => (await source())?.ready, { logFile: capstan.logFile })
  })

  it('an API server that is gone has one clear reason, deletes nothing, and work resumes when it is back', async () => {
    const proxy = await startTcpProxy(stack().kubeconfig)
    const commit = await begin([], { kubeconfig: proxy.kubeconfig })
    await equalsGit(commit)
    proxy.refuse(true)
    proxy.drop()
    const next = await (repository as Repository).change({
      'apps/more.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: ${prefix}-0}\n`,
    })
    await until('the reason is shown', async () => (await source())?.reason === 'ClusterUnavailable')
    expect((await fetch(`${capstan?.url}/healthz`)).status).toBe(200)
    proxy.refuse(false)
    await equalsGit(next)
    await capstan?.stop()
    await proxy.close()
  })

  it('a helm binary that is missing has one clear reason, and its release is installed when the binary is there', async () => {
    prefix = `fault-${randomBytes(3).toString('hex')}`
    const space = `${prefix}-0`
    const folder = mkdtempSync(join(tmpdir(), 'capstan-helm-'))
    repository = await createRepository()
    await repository.push({
      'deploy/namespace.yaml': namespace(space),
      'deploy/release.yaml': `apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata: {name: one, namespace: ${space}}\nspec: {releaseName: one, chart: {git: "${repository.url}", ref: main, path: chart}}\n`,
      'chart/Chart.yaml': 'apiVersion: v2\nname: tiny\nversion: 0.1.0\n',
      'chart/templates/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tiny}\n',
    })
    // in other namespaces the records of other tests would be without a HelmRelease, and removed
    const flags = ['--enable=sync,releases', `--allow-namespace=${space}`]
    const git = [`--git-url=${repository.url}`, '--git-branch=main', '--git-path=deploy']
    capstan = await startCapstan([...git, ...flags, `--helm-binary=${join(folder, 'helm')}`])
    const release = async () => {
      const { releases } = (await capstan?.api<Status>('/api/v1/status')) ?? { releases: [] }
      return releases.find((one) => one.namespace === space)
    }
    await until('the reason is shown', async () => (await release())?.reason === 'HelmMissing', {
      logFile: capstan.logFile,
    })
    symlinkSync(stack().helm, join(folder, 'helm'))
    await until('it is deployed', async () => (await release())?.ready, { logFile: capstan.logFile })
    await repository.change({ 'deploy/release.yaml': undefined })
    await kubectl('delete', 'helmreleases.helm.fluxcd.io', 'one', '-n', space, '--timeout=120s')
    rmSync(folder, { recursive: true, force: true })
  })

  it('contradicting and unknown flags are listed all at once, exit 2', async () => {
    const port = await freePort()
    const { code, stderr } = await runCapstan([
      'run',
      `--listen=127.0.0.1:${port}`,
      '--git-path=/absolute',
      '--sync-interval=soon',
      '--git-brnch=main',
    ])
    expect(code).toBe(2)
    expect(stderr).toContain('--git-path')
    expect(stderr).toContain('--sync-interval')
    expect(stderr).toContain('--git-branch')
  })
})
