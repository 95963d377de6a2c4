import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { readSource, sourceDefaults, sourceKind } from '../../src/domain/source/resource.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { installSources, readDefinition, sourceObject } from './definition.ts'

const cluster = realCluster()
let namespace = ''
const commit = '0123456789abcdef0123456789abcdef01234567'

beforeAll(async () => {
  await installSources(cluster)
  namespace = await makeNamespace(cluster)
})

afterAll(async () => {
  await removeNamespace(cluster, namespace)
  await cluster.close()
})

const tryOut = async (object: KubeObject) => (await cluster.apply(object, { force: true, dryRun: true })).object

type Schema = { description?: string; properties?: Record<string, Schema>; items?: Schema }

function undescribed(schema: Schema, path: string): string[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    ...(field.description ? [] : [`${path}.${name}`]),
    ...undescribed(field, `${path}.${name}`),
  ])
  return [...below, ...(schema.items ? undescribed(schema.items, `${path}[]`) : [])]
}

describe('the definition of Sources', () => {
  it('describes every field of the spec', () => {
    const { versions } = readDefinition().spec as { versions: { schema: { openAPIV3Schema: Schema } }[] }
    const spec = versions[0]?.schema.openAPIV3Schema.properties?.spec ?? expect.fail('no spec')
    expect(undescribed(spec, 'spec')).toEqual([])
  })

  const good: [string, Record<string, unknown>][] = [
    ['the least', {}],
    ['an ssh URL', { url: 'ssh://git@git.example.com:2222/shop.git' }],
    ['the short form of ssh', { url: 'git@git.example.com:team/shop.git' }],
    ['a tag', { ref: { tag: 'v1.2.3' } }],
    ['a range', { ref: { semver: '>=1.2.0, <2.0.0 || ~3.1' } }],
    ['a commit', { ref: { commit } }],
    ['a suspension that says nothing', { suspend: {} }],
    ['a suspension that was lifted', { suspend: null }],
    ['generators', { generate: true }],
    [
      'everything',
      {
        paths: ['deploy', 'apps/shop.yaml'],
        include: ['*.yaml'],
        exclude: ['/test/**', '!/test/keep.yaml'],
        interval: '30s',
        syncInterval: '1h30m',
        timeout: '2m',
        secretRef: { name: 'deploy-key' },
        prune: false,
        readonly: true,
        targetNamespace: 'shop',
        defaultNamespace: 'other',
        allowedNamespaces: ['shop'],
        excludeResources: ['*metrics.k8s.io/*'],
        serviceAccountName: 'deployer',
        dependsOn: [{ name: 'base' }, { name: 'shop', namespace: 'infra' }],
        suspend: { by: 'ann', why: 'a freeze', since: '2026-01-02T03:04:05Z' },
        wait: true,
        waitTimeout: '10m',
        render: 'kustomize',
        sops: true,
        decryption: { provider: 'sops', secretRef: { name: 'keys' } },
        gitSecret: true,
        verify: 'first-parent',
        drift: 'off',
        overruleAutoscalers: true,
        ignore: [{ pointers: ['/spec/replicas', '/metadata/annotations/a~1b'], kind: 'Deployment', name: 'shop' }],
      },
    ],
  ]
  it.each(good)('takes %s, and so does the reader', async (_what, spec) => {
    const stored = await tryOut(sourceObject(namespace, 'shop', spec))
    expect(readSource(stored, { ...sourceDefaults, mayGenerate: true }).problem).toBeUndefined()
    const lost = Object.entries(spec).filter(([name, value]) => value !== null && !(name in (stored.spec as object)))
    expect(lost).toEqual([])
  })

  const bad: [string, Record<string, unknown>, RegExp][] = [
    ['no URL', { url: undefined }, /spec\.url/],
    ['an option as URL', { url: '--upload-pack=x' }, /spec\.url/],
    ['a helper as URL', { url: 'ext::sh -c x' }, /spec\.url/],
    ['a local URL', { url: 'file:///etc/repo' }, /spec\.url/],
    ['an option as host', { url: 'ssh://-oProxyCommand=x/y' }, /spec\.url/],
    ['a password in the URL', { url: 'https://ann:secret@git.example.com/x' }, /spec\.url.*secretRef/],
    ['no ref', { ref: undefined }, /spec\.ref/],
    ['an empty ref', { ref: {} }, /spec\.ref.*exactly one/],
    ['two refs', { ref: { branch: 'main', tag: 'v1' } }, /spec\.ref.*exactly one/],
    ['an option as branch', { ref: { branch: '--output=x' } }, /spec\.ref\.branch.*not a valid name/],
    ['a tag with two dots', { ref: { tag: 'a..b' } }, /spec\.ref\.tag.*not a valid name/],
    ['a branch with a colon', { ref: { branch: 'a:b' } }, /spec\.ref\.branch/],
    ['a short commit', { ref: { commit: 'abc1234' } }, /spec\.ref\.commit/],
    ['an absolute path', { paths: ['deploy', '/etc'] }, /spec\.paths\[1\].*must not be absolute/],
    ['a path that leads out', { paths: ['a/../../b'] }, /spec\.paths\[0\].*must not hold/],
    ['a pattern that leads out', { include: ['../x'] }, /spec\.include\[0\].*must not hold/],
    ['an interval that is too short', { interval: '9s' }, /spec\.interval.*between 10s and 24h/],
    ['an interval that is too long', { syncInterval: '24h1s' }, /spec\.syncInterval.*between 10s and 24h/],
    ['an interval without a unit', { interval: '60' }, /spec\.interval/],
    ['an interval that is a number', { interval: 60 }, /spec\.interval/],
    ['a Secret without a name', { secretRef: {} }, /spec\.secretRef\.name/],
    ['an account with a colon', { serviceAccountName: 'kube-system:default' }, /spec\.serviceAccountName/],
    ['an empty account', { serviceAccountName: '' }, /spec\.serviceAccountName/],
    ['a namespace that is none', { targetNamespace: 'A_b' }, /spec\.targetNamespace/],
    ['a word of no meaning', { drift: 'fix' }, /spec\.drift/],
    ['suspend as a truth value', { suspend: true }, /spec\.suspend/],
    ['a time that is none', { suspend: { since: 'yesterday' } }, /spec\.suspend\.since/],
    ['a pointer that is none', { ignore: [{ pointers: ['spec.replicas'] }] }, /spec\.ignore\[0\]\.pointers\[0\]/],
    ['a rule without pointers', { ignore: [{ kind: 'Deployment' }] }, /spec\.ignore\[0\]\.pointers/],
    ['a budget for health without wait', { waitTimeout: '1m' }, /spec\.waitTimeout/],
    ['generators beside kustomize', { generate: true, render: 'kustomize' }, /spec\.render/],
    ['keys without a Secret', { decryption: {} }, /spec\.decryption\.secretRef/],
    [
      'another way of decryption',
      { decryption: { provider: 'x', secretRef: { name: 'a' } } },
      /spec\.decryption\.provider/,
    ],
    ['keys and no decryption', { sops: false, decryption: { secretRef: { name: 'a' } } }, /spec\.sops/],
    ['itself as dependency', { dependsOn: [{ name: 'shop' }] }, /spec\.dependsOn/],
    ['a field that there is not', { branch: 'main' }, /spec\.branch/],
  ]
  it.each(bad)('refuses %s and names the field', async (_what, spec, message) => {
    await expect(tryOut(sourceObject(namespace, 'shop', spec))).rejects.toMatchObject({
      reason: 'ApplyRefused',
      message: expect.stringMatching(message),
    })
  })

  const names: [string, string][] = [
    ['is too long', 'a'.repeat(64)],
    ['looks like the ConfigMap of an inventory', 'shop-inventory-0123456789-0'],
  ]
  it.each(names)('refuses a name that %s', async (_what, name) => {
    await expect(tryOut(sourceObject(namespace, name))).rejects.toThrow(/metadata\.name/)
  })

  it('shows what matters in the table of kubectl', async () => {
    await cluster.apply(sourceObject(namespace, 'shop', { ref: { tag: 'v1' } }), { force: true })
    const condition = { type: 'Ready', status: 'False', reason: 'GitUnreachable', message: 'no answer' }
    const status = {
      conditions: [{ ...condition, lastTransitionTime: '2026-01-02T03:04:05Z' }],
      revision: `main@${commit}`,
      objects: 7,
      suspended: false,
    }
    await cluster.patch({ ...sourceKind, namespace, name: 'shop' }, { status }, { subresource: 'status' })
    const [head, row] = (await kubectl('get', 'src', '-n', namespace)).split('\n')
    expect(head?.split(/\s+/)).toEqual(['NAME', 'URL', 'REF', 'REVISION', 'READY', 'REASON', 'AGE'])
    const cells = ['shop', 'https://git.example.com/shop.git', 'v1', `main@${commit}`, 'False', 'GitUnreachable']
    expect(row?.split(/\s+/).slice(0, 6)).toEqual(cells)
    const [wide] = (await kubectl('get', 'sources', '-n', namespace, '-o', 'wide')).split('\n')
    expect(wide).toMatch(/OBJECTS\s+SUSPENDED\s+MESSAGE/)
  })
})
