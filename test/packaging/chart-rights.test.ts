import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'
import { kubeconfigOf } from './account.ts'
import { argvOf, chart, helm, kubectl, objectsOf, type PodSpec, podsOf, setArgs } from './chart.ts'
import { root } from './dockerfile.ts'

type Running = { url: string; log: () => string; child: ChildProcess }

const namespace = `capstan-rights-${randomBytes(4).toString('hex')}`
const tenant = `${namespace}-tenant`
const started: Running[] = []
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-rights-'))
  for (const name of ['token', 'webhook-secret']) await writeFile(join(folder, name), `${name}-of-a-test`)
  for (const file of ['helmrelease', 'source'])
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', `${chart}/crds/${file}.yaml`])
  for (const name of [namespace, tenant]) await kubectl(['create', 'namespace', name])
})

afterEach(async () => {
  await Promise.all(
    started.splice(0).map(async ({ child }) => {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }),
  )
  await helm('uninstall', 'capstan', '--namespace', namespace, '--no-hooks', '--ignore-not-found')
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await kubectl(['delete', 'namespace', namespace, tenant, '--wait=false'])
})

/** Installs the chart and gives its pods; nothing runs them here but this test, with the accounts that they name. */
async function install(...values: string[]): Promise<Map<string, PodSpec>> {
  const args = [
    '--namespace',
    namespace,
    '--skip-crds',
    '--set',
    'redis.enabled=false,redis.url=redis://elsewhere',
    ...values,
  ]
  await helm('install', 'capstan', chart, ...args)
  return podsOf(objectsOf(await helm('get', 'manifest', 'capstan', '--namespace', namespace)))
}

/** Runs a pod's program with its flags and its account, but with paths and addresses of this machine. */
async function run(name: string, pod: PodSpec | undefined, prefix: string): Promise<Running> {
  const url = `http://127.0.0.1:${await freePort()}`
  const { binDir, redisUrl } = stack()
  const here = [
    `--listen=${url.slice('http://'.length)}`,
    `--state-dir=${join(folder, name)}`,
    `--token-file=${join(folder, 'token')}`,
    `--webhook-secret-file=${join(folder, 'webhook-secret')}`,
    `--kubeconfig=${await kubeconfigOf({ namespace, account: pod?.serviceAccountName ?? '', folder })}`,
    `--redis-prefix={${prefix}}`,
    '--shutdown-grace=2s',
    '--drain-time=0s',
  ]
  const child = spawn(process.execPath, [join(root, 'bin/capstan.mjs'), 'run', ...argvOf(pod), ...here], {
    env: { PATH: `${binDir}:${process.env.PATH}`, CAPSTAN_REDIS_URL: redisUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += String(chunk)))
  const running = { url, log: () => log, child }
  started.push(running)
  return running
}

async function ready({ url, child, log }: Running): Promise<void> {
  const isReady = async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200
  await until('the process to be ready', isReady, {
    timeoutMs: 120_000,
    giveUp: () => (child.exitCode === null ? undefined : `it ended with ${child.exitCode}: ${log()}`),
  })
}

async function textOf(url: string): Promise<string> {
  return await (await fetch(url, { headers: { authorization: 'Bearer token-of-a-test' } })).text()
}

async function may(account: string, ...asked: string[]): Promise<boolean> {
  const question = ['auth', 'can-i', ...asked, '--as', `system:serviceaccount:${namespace}:${account}`]
  return await kubectl(question).then(
    () => true,
    () => false,
  )
}

/** Two watches need the whole cluster; without them a failed release is tried again by its back-off alone. */
function troubles(log: string): string[] {
  return log
    .split('\n')
    .filter((line) => /forbidden|level=error/i.test(line))
    .filter(
      (line) => !/(customresourcedefinitions|namespaces)\b.* at the cluster scope.*watch is begun again/.test(line),
    )
}

describe.each([
  // the cluster may be shared: what others have in it is left alone
  ['in the whole cluster', [`allowNamespace=${tenant}`, `sources.namespaces={${tenant}}`]],
  ['in some namespaces', [`clusterRole.create=false`, `allowNamespace=${tenant}`, `allowedNamespaces={${tenant}}`]],
])('the rights that the chart gives %s', (_where, values) => {
  it('are enough for the roles apart, each with its own account', async () => {
    const pods = await install('--set', 'roles.split=true', ...setArgs(values))
    expect([...pods.keys()].toSorted()).toEqual(['api', 'controller', 'worker'])
    const prefix = randomBytes(4).toString('hex')
    const [worker, controller, api] = await Promise.all([
      run('worker', pods.get('worker'), prefix),
      run('controller', pods.get('controller'), prefix),
      run('api', pods.get('api'), prefix),
    ])
    for (const one of [worker, controller, api]) await ready(one)
    // the controller leads and asks for work, the worker does it and tells of it
    const done = /^capstan_job_duration_seconds_count\{kind="resync",outcome="done"\} [1-9]/m
    await until('a job of the controller to be done', async () => done.test(await textOf(`${worker.url}/metrics`)))
    const status = JSON.parse(await textOf(`${api.url}/api/v1/status`)) as { ready?: boolean }
    expect(status.ready, JSON.stringify(status)).toBe(true)
    for (const { log } of [worker, controller, api]) expect(troubles(log())).toEqual([])
  })

  it('are enough for one process', async () => {
    const pods = await install(...setArgs(values))
    const all = await run('all', pods.get('all'), randomBytes(4).toString('hex'))
    await ready(all)
    const status = JSON.parse(await textOf(`${all.url}/api/v1/status`)) as { ready?: boolean }
    expect(status.ready, JSON.stringify(status)).toBe(true)
    expect(troubles(all.log())).toEqual([])
  })
})

describe('the Job that runs before an uninstall', () => {
  it.each([
    ['with releases', ['clusterRole.create=false', `allowNamespace=${tenant}`]],
    ['without releases', ['clusterRole.create=false', 'enable={sync}', `allowNamespace=${tenant}`]],
    ['with rights elsewhere alone', ['clusterRole.create=false', 'enable={sync}', `allowedNamespaces={${tenant}}`]],
  ])('may do all that it does, %s', async (_what, values) => {
    await install(...setArgs(values))
    const hooks = objectsOf(await helm('get', 'hooks', 'capstan', '--namespace', namespace))
    const job = hooks.find(({ kind }) => kind === 'Job')?.spec as { template: { spec: PodSpec } }
    const { serviceAccountName: account, containers } = job.template.spec
    const argv = [...(containers[0]?.args ?? []), `--kubeconfig=${await kubeconfigOf({ namespace, account, folder })}`]
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'bin/capstan.mjs'), ...argv])
    expect(stdout).toContain('0 HelmReleases freed')
    expect(stdout).toContain('is scaled to 0')
  })
})

describe('the accounts of controller and API', () => {
  it('change nothing but the controller’s Lease and what it says of a Source', async () => {
    const pods = await install('--set', 'roles.split=true')
    const [controller, api] = ['controller', 'api'].map((name) => pods.get(name)?.serviceAccountName ?? '')
    for (const account of [controller, api].map(String)) {
      for (const kind of [
        'configmaps',
        'secrets',
        'deployments.apps',
        'namespaces',
        'helmreleases.helm.fluxcd.io',
        'pods',
      ])
        for (const verb of ['create', 'update', 'patch', 'delete'])
          expect(await may(account, verb, kind, '-n', namespace), `${account} ${verb} ${kind}`).toBe(false)
      expect(await may(account, 'list', 'helmreleases.helm.fluxcd.io', '-n', tenant)).toBe(true)
    }
    expect(await may(String(api), 'get', 'secrets', '-n', tenant)).toBe(false)
    expect(await may(String(api), 'create', 'leases.coordination.k8s.io', '-n', namespace)).toBe(false)
    expect(await may(String(controller), 'update', 'leases.coordination.k8s.io', '-n', namespace)).toBe(true)
  })
})
