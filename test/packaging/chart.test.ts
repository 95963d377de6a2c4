import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { stack } from '../stack/stack.ts'

type KubeObject = { kind: string; metadata: { name: string }; spec?: Record<string, unknown> }
type Secret = { data: Record<string, string> }

const chart = fileURLToPath(new URL('../../charts/capstan', import.meta.url))
const start = promisify(execFile)
const namespace = `capstan-chart-${randomBytes(4).toString('hex')}`
const tenant = `${namespace}-tenant`

const valueSets: [string, string[]][] = [
  ['the values as they are', []],
  ['a public repository', ['git.url=https://example.com/a.git', 'git.path={deploy,apps/live}', 'git.branch=main']],
  [
    'a private https repository',
    ['git.url=https://example.com/a.git', 'git.httpsSecretName=token', 'git.httpsUsername=bot'],
  ],
  [
    'an ssh repository that is pruned',
    [
      'git.url=git@example.com:a.git',
      'git.secretName=flux-git-deploy',
      'git.knownHosts=example.com ssh-ed25519 AAAA',
      'syncGarbageCollection.enabled=true',
    ],
  ],
  [
    'one that is only read',
    [
      'git.url=https://example.com/a.git',
      'git.readonly=true',
      'syncGarbageCollection.enabled=true',
      'syncGarbageCollection.dry=true',
    ],
  ],
  [
    'commits that CI skips',
    ['git.url=https://example.com/a.git', 'git.ciSkip=true', 'git.ciSkipMessage=[no ci]', 'git.user=A B'],
  ],
  ['a Redis of one’s own', ['redis.enabled=false', 'redis.url=rediss://:secret@redis.example.com:6380']],
  ['a Redis in a Secret', ['redis.enabled=false', 'redis.existingSecret=mine', 'api.existingSecret=tokens']],
  ['a Redis with a volume', ['redis.persistence.enabled=true', 'redis.persistence.storageClassName=fast']],
  ['syncs only', ['enable={sync}', 'git.url=https://example.com/a.git']],
  ['no look at registries', ['registry.disableScanning=true']],
  [
    'registries by rules, as a text and as a list',
    ['registry.insecureHosts={a.local:5000,b.local}', 'registry.includeImage=a.local/*', 'registry.excludeImage='],
  ],
  [
    'no right in the whole cluster',
    ['clusterRole.create=false', `allowNamespace=${tenant}`, `allowedNamespaces={${tenant}}`],
  ],
  [
    'Sources of tenants in one namespace',
    [
      'clusterRole.create=false',
      `allowNamespace=${tenant}`,
      `sources.namespaces={${tenant}}`,
      'sources.impersonate=true',
      'sources.defaultServiceAccount=tenant',
    ],
  ],
  [
    'rights that somebody else gives',
    ['rbac.create=false', 'serviceAccount.create=false', 'serviceAccount.name=given'],
  ],
  [
    'everything about the pod',
    [
      'podAnnotations.a=b',
      'podLabels.c=d',
      'nodeSelector.disk=ssd',
      'tolerations[0].operator=Exists',
      'imagePullSecrets[0].name=pull',
      'priorityClassName=system-cluster-critical',
      'extraEnvs[0].name=https_proxy',
      'extraEnvs[0].value=http://proxy:3128',
      'additionalArgs={--helm-binary=/usr/local/bin/helm}',
      'service.annotations.e=f',
      'replicaCount=2',
      'shutdownGrace=10m',
      'logFormat=json',
    ],
  ],
]

function setArgs(values: readonly string[]): string[] {
  return values.flatMap((value) => ['--set', value])
}

async function helm(...args: string[]): Promise<string> {
  const { stdout } = await start(stack().helm, [...args, '--kubeconfig', stack().kubeconfig], { maxBuffer: 2 ** 24 })
  return stdout
}

async function kubectl(args: readonly string[], input = ''): Promise<{ stdout: string; stderr: string }> {
  const running = start(stack().kubectl, ['--kubeconfig', stack().kubeconfig, ...args])
  running.child.stdin?.end(input)
  return await running
}

function render(values: readonly string[], ...more: string[]): Promise<string> {
  return helm('template', 'capstan', chart, '--namespace', namespace, ...setArgs(values), ...more)
}

function objectsOf(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null)
}

function argsOf(text: string): string[] {
  const deployment = objectsOf(text).find(({ kind }) => kind === 'Deployment') ?? expect.fail('no Deployment')
  const { template } = deployment.spec as { template: { spec: { containers: { args: string[] }[] } } }
  return template.spec.containers[0]?.args ?? []
}

beforeAll(async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/warn': 'restricted' }
  for (const name of [namespace, tenant]) {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
    await kubectl(['apply', '-f', '-'], JSON.stringify(object))
  }
}, 30_000)

afterAll(async () => {
  await helm('uninstall', 'capstan', '--namespace', namespace, '--ignore-not-found')
  await kubectl(['delete', 'namespace', namespace, tenant, '--wait=false'])
}, 30_000)

describe.each(valueSets)('the chart with %s', (_name, values) => {
  it('is accepted by the API server without a warning, under the strictest pod security', async () => {
    const text = await render(values, '--include-crds')
    const { stdout, stderr } = await kubectl(
      ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'],
      text,
    )
    expect(stderr).not.toMatch(/warning/i)
    expect(stdout.trim().split('\n')).toHaveLength(objectsOf(text).length)
  }, 30_000)

  it('gives flags that the program takes without a warning', async () => {
    const [command, ...argv] = argsOf(await render(values))
    expect(command).toBe('run')
    const loaded = loadConfig({ argv, env: { CAPSTAN_REDIS_URL: 'redis://redis:6379', KUBERNETES_SERVICE_HOST: 'x' } })
    expect(loaded).toMatchObject({ config: { namespace, warnings: [] } })
  })
})

describe('the chart', () => {
  it('is clean for helm lint', async () => {
    expect(await helm('lint', '--strict', chart)).toContain('0 chart(s) failed')
  })

  it('takes the values for development', async () => {
    const text = await render([], '--values', `${chart}/values-dev.yaml`)
    expect(argsOf(text)).toContain('--log-level=debug')
  })

  const refused: [string, string[], RegExp][] = [
    ['two Redis', ['redis.url=redis://a'], /redis\.enabled and redis\.url/],
    ['no Redis', ['redis.enabled=false'], /needs redis\.url/],
    ['a deploy key for https', ['git.url=https://a/b', 'git.secretName=k'], /for an ssh git\.url/],
    ['a token for ssh', ['git.url=git@a:b', 'git.httpsSecretName=k'], /for an https git\.url/],
    ['releases everywhere with rights nowhere', ['clusterRole.create=false'], /needs allowNamespace/],
    ['a grace that is no time', ['shutdownGrace=soon'], /whole seconds or minutes/],
  ]
  it.each(refused)('refuses %s before anything is installed', async (_what, values, message) => {
    await expect(render(values)).rejects.toThrow(message)
  })

  it('keeps its token and its password when it is upgraded, and gives rights where they were asked for', async () => {
    const rights = ['clusterRole.create=false', `allowNamespace=${tenant}`, `allowedNamespaces={${tenant}}`]
    const command = ['upgrade', '--install', 'capstan', chart, '--namespace', namespace, '--skip-crds']
    const read = async (name: string): Promise<Secret> => {
      const { stdout } = await kubectl(['get', 'secret', name, '-n', namespace, '-o', 'yaml'])
      return parse(stdout) as Secret
    }
    await helm(...command, ...setArgs(rights))
    const first = [await read('capstan-api'), await read('capstan-redis')]
    expect(Buffer.from(first[0]?.data.token ?? '', 'base64').toString()).toMatch(/^\w{43}$/)
    await helm(...command, ...setArgs([...rights, 'logLevel=debug']))
    const second = [await read('capstan-api'), await read('capstan-redis')]
    expect(second.map(({ data }) => data)).toEqual(first.map(({ data }) => data))

    const account = `system:serviceaccount:${namespace}:capstan`
    const may = async (...args: string[]) => {
      const asked = ['auth', 'can-i', ...args, '--as', account]
      return await kubectl(asked).then(
        () => true,
        () => false,
      )
    }
    expect(await may('get', `namespaces/${namespace}`, '-n', namespace)).toBe(true)
    expect(await may('create', 'leases', '-n', namespace)).toBe(true)
    expect(await may('get', 'secrets', '-n', namespace)).toBe(false)
    expect(await may('patch', 'deployments', '-n', tenant)).toBe(true)
    expect(await may('get', 'configmaps', '-n', 'default')).toBe(false)
  }, 60_000)
})
