import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { argvOf, chart, helm, kubectl, objectsOf, podsOf, render, setArgs, valuesFile } from './chart.ts'
import { keysOf } from './values-keys.ts'

type Secret = { data: Record<string, string> }

const namespace = `capstan-chart-${randomBytes(4).toString('hex')}`
const tenant = `${namespace}-tenant`

/** Kinds that only a cluster with KEDA or the Prometheus Operator serves. */
const foreign = ['keda.sh/v1alpha1', 'monitoring.coreos.com/v1']

const valueSets: [string, string[]][] = [
  ['the values as they are', []],
  [
    'a public repository',
    setArgs(['git.url=https://example.com/a.git', 'git.path={deploy,apps/live}', 'git.branch=main']),
  ],
  [
    'a private https repository',
    setArgs(['git.url=https://example.com/a.git', 'git.httpsSecretName=token', 'git.httpsUsername=bot']),
  ],
  [
    'an ssh repository that is pruned',
    setArgs([
      'git.url=git@example.com:a.git',
      'git.secretName=flux-git-deploy',
      'git.knownHosts=example.com ssh-ed25519 AAAA',
      'syncGarbageCollection.enabled=true',
    ]),
  ],
  [
    'one that is only read',
    setArgs([
      'git.url=https://example.com/a.git',
      'git.readonly=true',
      'syncGarbageCollection.enabled=true',
      'syncGarbageCollection.dry=true',
    ]),
  ],
  [
    'commits that CI skips, signed',
    setArgs([
      'git.url=https://example.com/a.git',
      'git.ciSkip=true',
      'git.ciSkipMessage=[no ci]',
      'git.user=A B',
      'git.signingKey=ABCD',
      'gpgKeys.secretName=keys',
      'git.verifySignatures=true',
    ]),
  ],
  [
    'everything that reads files in its own way',
    setArgs(['kustomize=true', 'sops.enabled=true', 'git.secret.enabled=true', 'gpgKeys.secretName=keys']),
  ],
  ['a Redis of one’s own', setArgs(['redis.enabled=false', 'redis.url=rediss://:secret@redis.example.com:6380'])],
  [
    'a Redis in a Secret, with its own authority and prefix',
    setArgs([
      'redis.enabled=false',
      'redis.existingSecret=mine',
      'redis.caSecretName=ca',
      'redis.prefix=\\{eu\\}',
      'api.existingSecret=tokens',
    ]),
  ],
  ['a Redis with a volume', setArgs(['redis.persistence.enabled=true', 'redis.persistence.storageClassName=fast'])],
  ['sinks of events', setArgs(['events.sinksSecretName=sinks'])],
  ['syncs only', setArgs(['enable={sync}', 'git.url=https://example.com/a.git'])],
  ['no look at registries', setArgs(['registry.disableScanning=true'])],
  [
    'registries by rules, as a text and as a list',
    setArgs([
      'registry.insecureHosts={a.local:5000,b.local}',
      'registry.includeImage=a.local/*',
      'registry.excludeImage=',
    ]),
  ],
  [
    'no right in the whole cluster',
    setArgs(['clusterRole.create=false', `allowNamespace=${tenant}`, `allowedNamespaces={${tenant}}`]),
  ],
  [
    'Sources of tenants in one namespace',
    setArgs([
      'clusterRole.create=false',
      `allowNamespace=${tenant}`,
      `sources.namespaces={${tenant}}`,
      'sources.impersonate=true',
      'sources.defaultServiceAccount=tenant',
      'tenants.enabled=true',
    ]),
  ],
  [
    'logins of registries',
    setArgs([
      'registry.acr.enabled=true',
      'registry.acr.secretName=azure',
      'registry.dockercfg.enabled=true',
      'registry.dockercfg.secretName=logins',
      'registry.ecr.region={eu-west-1,eu-west-2}',
      'registry.ecr.require=true',
      'registry.rps=100',
    ]),
  ],
  [
    'rights that somebody else gives',
    setArgs(['rbac.create=false', 'serviceAccount.create=false', 'serviceAccount.name=given']),
  ],
  ['a ClusterRole that is there', setArgs(['clusterRole.create=false', 'clusterRole.name=cluster-admin'])],
  [
    'everything about the pod',
    setArgs([
      'nameOverride=flux',
      'image.digest=sha256:'.padEnd(84, '0'),
      'podAnnotations.a=b',
      'podLabels.c=d',
      'nodeSelector.disk=ssd',
      'tolerations[0].operator=Exists',
      'imagePullSecrets[0].name=pull',
      'image.pullSecret=also',
      'priorityClassName=system-cluster-critical',
      'extraEnvs[0].name=https_proxy',
      'extraEnvs[0].value=http://proxy:3128',
      'additionalArgs={--helm-binary=/usr/local/bin/helm}',
      'service.annotations.e=f',
      'replicaCount=2',
      'shutdownGrace=10m',
      'logFormat=json',
      'hostAliases[0].ip=10.0.0.9',
      'hostAliases[0].hostnames={a.example.com}',
    ]),
  ],
  ['roles apart', setArgs(['roles.split=true'])],
  ['roles apart without a right in the whole cluster', setArgs(['roles.split=true', 'clusterRole.create=false'])],
  ['workers by an external metric', setArgs(['roles.split=true', 'roles.worker.autoscaling.by=hpa'])],
  ['roles apart and watched', ['--values', valuesFile('split')]],
  ['what leaves the pods restricted', setArgs(['networkPolicy.egress.enabled=true'])],
]

beforeAll(async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/warn': 'restricted' }
  for (const name of [namespace, tenant]) {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
    await kubectl(['apply', '-f', '-'], JSON.stringify(object))
  }
})

afterAll(async () => {
  await helm('uninstall', 'capstan', '--namespace', namespace, '--no-hooks', '--ignore-not-found')
  await kubectl(['delete', 'namespace', namespace, tenant, '--wait=false'])
})

describe.each(valueSets)('the chart with %s', (_name, args) => {
  it('is accepted by the API server without a warning, under the strictest pod security', async () => {
    const objects = objectsOf(await render(namespace, ...args, '--include-crds'))
    const served = objects.filter(({ apiVersion }) => !foreign.includes(apiVersion))
    const { stdout, stderr } = await kubectl(
      ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'],
      served.map((object) => JSON.stringify(object)).join('\n---\n'),
    )
    expect(stderr).not.toMatch(/warning/i)
    expect(stdout.trim().split('\n')).toHaveLength(served.length)
  })

  it('gives flags that the program takes without a warning', async () => {
    const pods = podsOf(objectsOf(await render(namespace, ...args)))
    expect(pods.size).toBeGreaterThan(0)
    for (const pod of pods.values()) {
      const env = { CAPSTAN_REDIS_URL: 'redis://redis:6379', KUBERNETES_SERVICE_HOST: 'x' }
      expect(loadConfig({ argv: argvOf(pod), env })).toMatchObject({ config: { namespace, warnings: [] } })
    }
  })
})

describe.each(['fluxd', 'helm-operator'])('the values of %s’s chart', (ancestor) => {
  const args = ['--values', valuesFile(ancestor)]

  it('give flags that the program takes', async () => {
    const [pod] = podsOf(objectsOf(await render(namespace, ...args))).values()
    const env = { CAPSTAN_REDIS_URL: 'redis://redis:6379', KUBERNETES_SERVICE_HOST: 'x' }
    expect(loadConfig({ argv: argvOf(pod), env })).toHaveProperty('config')
  })

  it('are accepted by the API server under the strictest pod security', async () => {
    const text = await render(namespace, ...args)
    const objects = objectsOf(text).filter(({ metadata }) => [undefined, namespace].includes(metadata.namespace))
    const { stderr } = await kubectl(
      ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'],
      objects.map((object) => JSON.stringify(object)).join('\n---\n'),
    )
    expect(stderr).not.toMatch(/warning/i)
  })
})

describe('the notes', () => {
  const notes = async (...args: string[]) => {
    const text = await helm('install', 'notes', chart, '-n', namespace, '--dry-run=server', '--skip-crds', ...args)
    return text.slice(text.indexOf('NOTES:'))
  }

  it('name values without effect, and only those that were given', async () => {
    expect(await notes()).not.toContain('no effect')
    const told = await notes('--values', valuesFile('fluxd'))
    expect(told).toMatch(/^ {4}registry\.cacheExpiry: |^ {4}memcached: /m)
    expect(told).not.toMatch(/service\.createClusterIP|registry\.acr\.hostPath|rbac\.pspEnabled|ssh\.config/)
    expect(await notes('--values', valuesFile('helm-operator'))).toMatch(/^ {2}! tillerSidecar\.enabled: helm 2/m)
  })

  it('say how to let the git server know a key that is made', async () => {
    expect(await notes('--set', 'git.url=git@github.com:a/b')).toContain('capstan identity')
    expect(await notes('--set', 'git.url=https://github.com/a/b')).not.toContain('capstan identity')
  })
})

describe('values without effect', () => {
  const listed = parse(readFileSync(join(chart, 'files/without-effect.yaml'), 'utf8')) as Record<string, unknown>
  const templates = readFileSync(join(chart, 'templates/_args.tpl'), 'utf8')

  it('are accepted by the schema, are no values of ours, and reach no flag', () => {
    const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as Schema
    const ours = keysOf(parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>)
    for (const path of Object.keys(listed)) {
      expect(path.split('.').reduce<Schema | undefined>((at, key) => at?.properties?.[key], schema)).toBeDefined()
      expect(ours).not.toContain(path)
      expect(templates).not.toMatch(new RegExp(`\\.Values\\.${path.replaceAll('.', '\\.')}\\b`))
    }
  })
})

type Schema = { properties?: Record<string, Schema>; additionalProperties?: unknown }

describe('the schema', () => {
  it('has every value and no other', () => {
    const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as Schema
    const values = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>
    const listed = parse(readFileSync(join(chart, 'files/without-effect.yaml'), 'utf8')) as Record<string, unknown>
    const known = [...keysOf(values), ...Object.keys(listed), 'global']
    const leaves = (at: Schema, before = ''): string[] =>
      Object.entries(at.properties ?? {}).flatMap(([key, one]) =>
        one.properties ? leaves(one, `${before}${key}.`) : [`${before}${key}`],
      )
    expect(leaves(schema).toSorted()).toEqual(known.toSorted())
  })

  it.each(['flux', 'helm-operator'])(
    'has a line for each value of the chart %s: it works, or is named with what to do',
    (old) => {
      const keys = parse(readFileSync(valuesFile('ancestor-keys'), 'utf8')) as Record<string, string>
      const values = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>
      const listed = parse(readFileSync(join(chart, 'files/without-effect.yaml'), 'utf8')) as Record<string, unknown>
      const known = [...keysOf(values), ...Object.keys(listed)]
      const theirs = (keys[old] ?? '').trim().split(/\s+/)
      expect(theirs.length).toBeGreaterThan(80)
      const lost = theirs.filter((key) => !known.some((one) => key === one || key.startsWith(`${one}.`)))
      expect(lost).toEqual([])
    },
  )

  const refused: [string, string, RegExp][] = [
    ['a key that is misspelt', 'git.ulr=https://a/b', /ulr/],
    ['a key that is misspelt at the top', 'replicas=2', /replicas/],
    ['a time without a unit', 'git.pollInterval=5', /pollInterval/],
    ['a number of pods as a text', 'roles.worker.replicas=many', /replicas/],
    ['work that there is not', 'enable={sync,deploy}', /enable/],
    ['a marker that there is not', 'sync.state=redis', /state/],
    ['a log level that there is not', 'logLevel=verbose', /logLevel/],
    ['several Redis in one address', 'redis.url=redis://a:26379\\,b:26379', /redis/],
    ['a prefix without braces', 'redis.prefix=capstan', /prefix/],
    ['a digest that is none', 'image.digest=latest', /digest/],
    ['a namespace that is none', 'allowedNamespaces={Team_A}', /allowedNamespaces/],
    ['no worker at all, by autoscaling', 'roles.worker.autoscaling.minReplicas=0', /minReplicas/],
    ['a grace that is no time', 'shutdownGrace=soon', /shutdownGrace/],
    ['a drain that is no time', 'drainTime=5', /drainTime/],
  ]
  it.each(refused)('refuses %s', async (_what, value, message) => {
    await expect(render(namespace, '--set', value)).rejects.toThrow(message)
  })
})

describe('the chart', () => {
  it('is clean for helm lint', async () => {
    expect(await helm('lint', '--strict', chart)).toContain('0 chart(s) failed')
  })

  it('lets pods with the API alone answer on when they end, and kills none before', async () => {
    const endsOf = async (...values: string[]) =>
      [...podsOf(objectsOf(await render(namespace, ...setArgs(values))))].map(([component, pod]) => [
        component,
        argvOf(pod).find((flag) => flag.startsWith('--drain-time=')),
        pod.terminationGracePeriodSeconds,
      ])
    expect(await endsOf()).toEqual([['all', '--drain-time=5s', 630]])
    expect(await endsOf('roles.split=true', 'drainTime=20m')).toEqual([
      ['controller', undefined, 1230],
      ['worker', undefined, 1230],
      ['api', '--drain-time=20m', 1230],
    ])
  })

  it('mounts the sinks where the flag says', async () => {
    const pod = podsOf(objectsOf(await render(namespace, ...setArgs(['events.sinksSecretName=my-sinks'])))).get('all')
    expect(argvOf(pod)).toContain('--sinks-file=/etc/capstan/sinks/sinks.yaml')
    expect(JSON.stringify(pod)).toContain('"secretName":"my-sinks"')
    expect(JSON.stringify(pod)).toContain('"mountPath":"/etc/capstan/sinks"')
  })

  it('opens refreshes only where that is asked for', async () => {
    const opens = async (...values: string[]) => {
      const pod = podsOf(objectsOf(await render(namespace, ...setArgs(values)))).get('all')
      const env = { CAPSTAN_REDIS_URL: 'redis://redis:6379', KUBERNETES_SERVICE_HOST: 'x' }
      return loadConfig({ argv: argvOf(pod), env })
    }
    expect(await opens()).toMatchObject({ config: { openRefresh: false, warnings: [] } })
    expect(await opens('compat.openRefresh=true')).toMatchObject({
      config: { openRefresh: true, warnings: [expect.stringContaining('--open-refresh')] },
    })
  })

  it.each(['', 'https://example.com/a.git', 'git@example.com:a.git'])(
    'gives charts in git the ssh key and the host keys where git.url is "%s"',
    async (url) => {
      const values = [
        'git.ssh.secretName=k',
        'git.secretDataKey=id',
        'git.knownHosts=h ssh-ed25519 AAAA',
        'ssh.config=x',
      ]
      const objects = objectsOf(await render(namespace, ...setArgs([`git.url=${url}`, ...values])))
      const pod = podsOf(objects).get('all')
      const env = { CAPSTAN_REDIS_URL: 'redis://redis:6379', KUBERNETES_SERVICE_HOST: 'x' }
      expect(loadConfig({ argv: argvOf(pod), env })).toMatchObject({
        config: {
          git: {
            deployKeyFile: '/etc/fluxd/ssh/id',
            files: { sshKnownHosts: '/etc/capstan/ssh/known_hosts', sshConfigFile: '/etc/capstan/ssh/config' },
          },
        },
      })
      expect(pod).toMatchObject({
        containers: [
          {
            volumeMounts: expect.arrayContaining([
              expect.objectContaining({ name: 'git-key', mountPath: '/etc/fluxd/ssh' }),
              expect.objectContaining({ name: 'known-hosts', mountPath: '/etc/capstan/ssh' }),
            ]),
          },
        ],
        volumes: expect.arrayContaining([
          expect.objectContaining({ name: 'git-key', secret: { secretName: 'k', defaultMode: 256 } }),
          expect.objectContaining({ name: 'known-hosts', configMap: { name: 'capstan-known-hosts' } }),
        ]),
      })
      expect(objects.find(({ metadata }) => metadata.name === 'capstan-known-hosts')?.data).toEqual({
        known_hosts: 'h ssh-ed25519 AAAA\n',
        config: 'x\n',
      })
    },
  )

  it.each<[string, string, number[]]>([
    ['without a port', 'url=redis://elsewhere', [6379]],
    ['with one', 'url=rediss://me:123@elsewhere:6390/2', [6390]],
    ['without a name', 'url=redis://[::1]', [6379]],
    ['in a Secret', 'existingSecret=mine', [6379, 6380]],
  ])('lets our pods reach a Redis of yours: an address %s', async (_what, redis, ports) => {
    const values = ['networkPolicy.egress.enabled=true', 'redis.enabled=false', `redis.${redis}`]
    const policies = objectsOf(await render(namespace, ...setArgs(values))).filter(
      ({ kind }) => kind === 'NetworkPolicy',
    )
    expect(policies).toHaveLength(1)
    expect(policies[0]?.spec?.egress).toContainEqual({ ports: ports.map((port) => ({ port })) })
  })

  it('takes what people ask for where no registry is looked at', async () => {
    const values = ['registry.disableScanning=true', 'enable={sync,images}']
    const pod = podsOf(objectsOf(await render(namespace, ...setArgs(values)))).get('all')
    const env = { CAPSTAN_REDIS_URL: 'redis://redis:6379', KUBERNETES_SERVICE_HOST: 'x' }
    expect(loadConfig({ argv: argvOf(pod), env })).toMatchObject({ config: { enable: ['sync'], takesUpdates: true } })
  })

  it.each([
    ['makes', 'data=[core]', '[core]\n'],
    ['takes', 'secretName=mine', undefined],
    ['makes, by its name,', 'secretName=mine,git.config.data=[core]', '[core]\n'],
  ])('%s the Secret of git’s configuration: %s', async (_does, given, text) => {
    const objects = objectsOf(await render(namespace, ...setArgs(['git.config.enabled=true', `git.config.${given}`])))
    const name = given.includes('mine') ? 'mine' : 'capstan-git-config'
    expect(JSON.stringify(podsOf(objects).get('all'))).toContain(`"secretName":"${name}"`)
    const secret = objects.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === name)
    expect(secret && { text: (secret as { stringData?: { gitconfig?: string } }).stringData?.gitconfig }).toEqual(
      text && { text },
    )
  })

  it('takes the values for development', async () => {
    const text = await render(namespace, '--values', `${chart}/values-dev.yaml`)
    expect(argvOf(podsOf(objectsOf(text)).get('all'))).toContain('--log-level=debug')
  })

  const refused: [string, string[], RegExp][] = [
    ['two Redis', ['redis.url=redis://a'], /redis\.enabled and redis\.url/],
    ['no Redis', ['redis.enabled=false'], /needs redis\.url/],
    ['a key for https alone', ['git.url=https://a/b', 'git.secretName=k', 'enable={sync}'], /for an ssh git\.url/],
    ['a token for ssh', ['git.url=git@a:b', 'git.httpsSecretName=k'], /for an https git\.url/],
    ['a key that signs and is not there', ['git.signingKey=ABCD'], /needs gpgKeys\.secretName/],
    ['the file of a node', ['registry.acr.enabled=true'], /needs registry\.acr\.secretName/],
    ['helm 2 alone', ['helm.versions=v2'], /must include v3/],
    ['the image of an ancestor', ['image.repository=docker.io/fluxcd/flux'], /leave image out/],
    ['workers that scale inside one Deployment', ['roles.worker.autoscaling.by=hpa'], /needs roles\.split/],
    ['KEDA without a Prometheus', ['roles.split=true', 'roles.worker.autoscaling.by=keda'], /prometheusAddress/],
  ]
  it.each(refused)('refuses %s before anything is installed', async (_what, values, message) => {
    await expect(render(namespace, ...setArgs(values))).rejects.toThrow(message)
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
  })
})
