import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { labelForFluxctl } from '../../src/jobs/fluxctl-label.ts'
import { makeNamespace, quiet, realCluster, removeNamespace, until } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { deployment, namespace } from '../e2e/manifests.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { createFluxctl, createOwnFluxctl, type Fluxctl, patience, rowsOf } from './fluxctl.ts'
import { type ForwardingNode, startForwardingNode } from './forwarding-node.ts'

describe('an unmodified fluxctl 1.25 that is told no URL and no token', () => {
  const cluster = realCluster()
  const leading = new AbortController()
  let home: string
  let labelled: Promise<void>
  let [repository, capstan, node, fluxctl] = [] as unknown as [Repository, Capstan, ForwardingNode, Fluxctl]

  beforeAll(async () => {
    home = await makeNamespace(cluster)
    repository = await createRepository()
    await repository.push({
      'deploy/namespace.yaml': namespace(`${home}-shop`),
      'deploy/web.yaml': deployment('web', `${home}-shop`, { replicas: 0 }),
    })
    const flags = [`--git-url=${repository.url}`, '--git-branch=main', '--git-path=deploy', '--enable=sync,images']
    capstan = await startCapstan([...flags, '--k8s-allow-namespace', `${home}-shop`], {
      // as in a pod, where loopback is a listener of its own
      env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' },
    })
    node = await startForwardingNode(cluster, { namespace: home, from: 3030, to: Number(new URL(capstan.url).port) })
    const spec = { containers: [{ name: 'capstan', image: 'none.example/capstan' }], nodeName: node.name }
    const pod = { namespace: home, name: 'capstan-0' }
    await until('the pod', async () => {
      const made = cluster.create({ apiVersion: 'v1', kind: 'Pod', metadata: pod, spec })
      return await made.then(
        () => true,
        () => false,
      )
    })
    const status = { phase: 'Running' }
    await cluster.patch({ apiVersion: 'v1', kind: 'Pod', ...pod }, { status }, { subresource: 'status' })
    const pause = async (ms: number, signal: AbortSignal) => await sleep(ms, undefined, { signal })
    labelled = labelForFluxctl({ cluster, pod, log: quiet, pause }, leading.signal)
    fluxctl = createFluxctl({ ...patience, FLUX_FORWARD_NAMESPACE: home })
    await until('the first sync', async () => {
      const { sources } = await capstan.api<{ sources: { revision: string }[] }>('/api/v1/sources')
      return sources[0]?.revision.startsWith('main@') === true
    })
    await until('the label', async () => !(await fluxctl.run('list-workloads', '-a')).stderr.includes('No pod found'))
  })

  afterAll(async () => {
    leading.abort()
    await labelled
    fluxctl?.stop()
    await capstan?.stop()
    await node?.stop()
    await repository?.stop()
    await kubectl('delete', 'namespace', `${home}-shop`, '--ignore-not-found', '--wait=false')
    await removeNamespace(cluster, home)
    await cluster.close()
  })

  it('finds the leader by itself, and reads and writes through the port that it forwards', async () => {
    expect(await fluxctl.run('sync')).toMatchObject({ code: 0, stderr: expect.stringMatching(/Done\.\n$/) })
    const web = `${home}-shop:deployment/web`
    const listed = await fluxctl.run('list-workloads', '-n', `${home}-shop`, '--no-headers')
    expect([listed.code, rowsOf(listed.stdout)[0]?.slice(0, 2)]).toEqual([0, [web, 'web']])
    expect((await fluxctl.run('lock', '-w', web, '-m', 'by the port')).code).toBe(0)
    await repository.git('pull', '-q', '--ff-only', 'origin', 'main')
    expect(await repository.git('log', '-1', '--format=%s')).toBe('by the port')
  })

  it('is matched by our own program under its name', async () => {
    const own = createOwnFluxctl(patience)
    const listed = async () => (await fluxctl.run('list-workloads', '-n', `${home}-shop`, '--no-headers')).stdout
    const synced = await own.run('sync', '--k8s-fwd-ns', home)
    await until('the workload is ready', async () => rowsOf(await listed())[0]?.[3] === 'ready')
    const args = ['list-workloads', '-n', `${home}-shop`, '--k8s-fwd-ns', home, '-o', 'json']
    const [expected, got] = [await fluxctl.run(...args), await own.run(...args)]
    const nobody = ['list-workloads', '--k8s-fwd-ns', `${home}-shop`, '--k8s-fwd-labels', 'b=c,a=b']
    const [expectedFailure, failure] = [await fluxctl.run(...nobody), await own.run(...nobody)]
    own.stop()
    expect(got).toEqual(expected)
    expect(failure).toEqual(expectedFailure)
    expect(synced).toMatchObject({ code: 0, stderr: expect.stringMatching(/Done\.\n$/) })
  })

  it('is found by capstan, too, which brings its token', async () => {
    const own = createOwnFluxctl({ CAPSTAN_TOKEN: capstan.token }, 'capstan')
    const listed = await own.run('list-workloads', '-n', `${home}-shop`, '--k8s-fwd-ns', home, '-o', 'name')
    const status = await own.run('sources', '--k8s-fwd-ns', home, '-o', 'name')
    const nobody = await own.run('status', '--k8s-fwd-ns', `${home}-shop`)
    own.stop()
    expect(listed).toEqual({ code: 0, stdout: `${home}-shop:deployment/web\n`, stderr: '' })
    expect(status.stdout).toMatch(/\/default\n$/)
    expect(nobody).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(/No pod found .* that runs Capstan .*--k8s-fwd-ns/),
    })
  })

  it('lets a browser in by capstan queue open, for as long as that goes on', async () => {
    const own = createOwnFluxctl({ CAPSTAN_TOKEN: capstan.token }, 'capstan')
    const open = own.start('queue', 'open', '--print', '--k8s-fwd-ns', home)
    const link = await open.firstLine
    const entered = await fetch(link, { headers: { connection: 'close' } })
    const [cookie = ''] = (entered.headers.get('set-cookie') ?? '').split(';')
    const page = await fetch(new URL('/', link), { headers: { cookie, connection: 'close' } })
    const code = await open.interrupt()
    own.stop()
    expect([entered.status, page.status, await page.text()]).toEqual([200, 200, expect.stringContaining('<title>')])
    expect(new URL(link).port).not.toBe(new URL(capstan.url).port)
    expect(code).toBe(130)
    await expect(fetch(link)).rejects.toThrow('fetch failed')
  })

  it('needs no token there, which what is ours does', async () => {
    const status = async (path: string) => (await fetch(`${capstan.url}${path}`)).status
    expect([await status('/api/flux/v11/version'), await status('/api/v1/status')]).toEqual([200, 401])
  })
})
