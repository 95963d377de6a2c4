import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { until } from '../../playground/stack/until.ts'
import { kubeconfigOf } from './account.ts'
import { chart, helm, type KubeObject, kubectl, objectsOf, type PodSpec, render } from './chart.ts'
import { root } from './dockerfile.ts'
import { type OwnNode, startOwnNode } from './own-node.ts'

const id = randomBytes(4).toString('hex')
const namespace = `capstan-install-${id}`
const apps = `${namespace}-apps`
let node: OwnNode
let folder: string

/** Names of Running pods of our namespace with these labels. */
async function running(selector: string): Promise<string[]> {
  const about = ['get', 'pods', '-n', namespace, '-l', selector, '--field-selector=status.phase=Running']
  const { stdout } = await kubectl([...about, '-o', 'name'])
  return stdout.split('\n').filter((line) => line !== '')
}

/** What fluxctl's port-forward looks for, in its order (ruling 5). */
async function asFluxctl(): Promise<string[]> {
  const first = await running('app=flux')
  return first.length > 0 ? first : await running('name in (flux,fluxd,weave-flux-agent)')
}

async function install(...args: string[]): Promise<void> {
  const command = ['upgrade', '--install', 'capstan', chart, '-n', namespace, '--skip-crds', '--wait', '--timeout=240s']
  await helm(...command, ...node.helmArgs, ...args)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-install-'))
  for (const name of [namespace, apps]) await kubectl(['create', 'namespace', name])
  await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted'])
  node = await startOwnNode(`own-${id}`)
})

afterAll(async () => {
  await helm('uninstall', 'capstan', '-n', namespace, '--no-hooks', '--ignore-not-found', '--wait')
  await kubectl(['delete', 'namespace', namespace, apps, '--ignore-not-found', '--wait=false'])
  await node?.remove()
  await rm(folder, { recursive: true, force: true })
})

describe('helm install --wait', () => {
  it('ends well with one pod, which is the one that fluxctl finds', async () => {
    await install()
    expect(await running('app.kubernetes.io/name=capstan')).toHaveLength(1)
    expect(await running('app.kubernetes.io/name=capstan-redis')).toHaveLength(1)
    await until('one pod for fluxctl', async () => (await asFluxctl()).length === 1)
    await kubectl(['run', 'old-fluxd', '-n', namespace, '--image=flux', '--labels=app=flux', ...onNode()])
    await until('the fluxd to run', async () => (await running('app=flux')).length === 1)
    expect(await asFluxctl()).toEqual(['pod/old-fluxd'])
    await kubectl(['delete', 'pod', 'old-fluxd', '-n', namespace])
  })

  it('goes on to roles apart, with endpoints for the API alone and budgets for all', async () => {
    await install('--set', 'roles.split=true')
    const component = (name: string) => running(`app.kubernetes.io/component=${name}`)
    for (const name of ['controller', 'worker', 'api']) expect(await component(name)).toHaveLength(2)
    await until('the old pod to go', async () => (await component('all')).length === 0)
    const behind = async (service: string) => {
      const about = [
        'get',
        'endpointslices',
        '-n',
        namespace,
        '-l',
        `kubernetes.io/service-name=${service}`,
        '-o',
        'yaml',
      ]
      const { items } = parse((await kubectl(about)).stdout) as {
        items: { endpoints?: { targetRef: { name: string } }[] }[]
      }
      return items
        .flatMap(({ endpoints }) => (endpoints ?? []).map(({ targetRef }) => `pod/${targetRef.name}`))
        .toSorted()
    }
    const api = (await component('api')).toSorted()
    await until(
      'the Service to lead to the API',
      async () => JSON.stringify(await behind('capstan')) === JSON.stringify(api),
    )
    await until('the metrics of all six', async () => (await behind('capstan-metrics')).length === 6)
    const { stdout } = await kubectl(['get', 'pdb', '-n', namespace, '-o', 'name'])
    expect(stdout.trim().split('\n')).toHaveLength(3)
  })
})

describe('helm uninstall', () => {
  const release = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease' }

  it('takes our finalizer off and no other, after which a HelmRelease and its namespace can be deleted', async () => {
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', `${chart}/crds/helmrelease.yaml`])
    const spec = { chart: { repository: 'https://example.com', name: 'web', version: '1.0.0' } }
    const made = [
      { ...release, metadata: { name: 'ours', namespace: apps, finalizers: ['capstan.dev/release'] }, spec },
      {
        ...release,
        metadata: { name: 'both', namespace: apps, finalizers: ['a.example/b', 'capstan.dev/release'] },
        spec,
      },
      { ...release, metadata: { name: 'none', namespace: apps }, spec },
    ]
    await kubectl(['create', '-f', '-'], made.map((object) => JSON.stringify(object)).join('\n---\n'))
    // the container of the hook's Job, run for real; kwok only says that it ran
    const rights = ['--set', `clusterRole.create=false,allowNamespace=${apps}`]
    await install(...rights)
    await runHook(...rights)
    await until('our pods to go', async () => (await running('app.kubernetes.io/name=capstan')).length === 0)
    const { stdout } = await kubectl(['get', 'helmreleases', '-n', apps, '-o', 'yaml'])
    const { items } = parse(stdout) as { items: (KubeObject & { metadata: { finalizers?: string[] } })[] }
    expect(Object.fromEntries(items.map(({ metadata }) => [metadata.name, metadata.finalizers]))).toEqual({
      ours: undefined,
      both: ['a.example/b'],
      none: undefined,
    })
    await kubectl(['delete', 'helmrelease', 'ours', 'none', '-n', apps, '--timeout=280s'])
    await kubectl([
      'patch',
      'helmrelease',
      'both',
      '-n',
      apps,
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ])
    await kubectl(['delete', 'namespace', apps, '--timeout=280s'])
  })

  it('ends with the hook done and nothing of the release left', async () => {
    await helm('uninstall', 'capstan', '-n', namespace, '--wait', '--timeout=240s')
    const { stdout } = await kubectl(['get', 'deploy,sts,svc,jobs,sa,role,pdb,netpol', '-n', namespace, '-o', 'name'])
    expect(stdout.trim().split('\n').toSorted()).toEqual(['serviceaccount/default'])
    const { stdout: wide } = await kubectl(['get', 'clusterrole,clusterrolebinding', '-o', 'name'])
    expect(wide).not.toContain(namespace)
  })
})

/** Placement for `kubectl run`. */
function onNode(): string[] {
  const tolerations = [{ key: 'capstan.dev/own', operator: 'Exists' }]
  const securityContext = { runAsNonRoot: true, runAsUser: 1, seccompProfile: { type: 'RuntimeDefault' } }
  const capabilities = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
  const containers = [{ name: 'old-fluxd', image: 'flux', securityContext: capabilities }]
  const nodeSelector = { 'kubernetes.io/hostname': `own-${id}` }
  return [`--overrides=${JSON.stringify({ spec: { tolerations, nodeSelector, securityContext, containers } })}`]
}

/** What the hook's container would run, with the rights of its account. */
async function runHook(...args: string[]): Promise<void> {
  const job = objectsOf(await render(namespace, ...args)).find(({ kind }) => kind === 'Job') ?? expect.fail('no hook')
  expect(job.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-delete' })
  const pod = (job.spec as { template: { spec: PodSpec } }).template.spec
  const file = await kubeconfigOf({ namespace, account: pod.serviceAccountName, folder })
  const words = pod.containers[0]?.args ?? []
  await promisify(execFile)(process.execPath, [join(root, 'bin/capstan.mjs'), ...words, `--kubeconfig=${file}`], {
    env: {},
  })
}
