import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../manifest/object.ts'
import { readSource, requestAnnotation, sourceDefaults, sourceKind } from './resource.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'

function source(spec: unknown, annotations?: Record<string, string>): KubeObject {
  const metadata = {
    namespace: 'team',
    name: 'shop',
    uid: 'u1',
    generation: 3,
    ...(annotations ? { annotations } : {}),
  }
  return { ...sourceKind, metadata, spec }
}

const least = { url: 'https://git.example.com/shop.git', ref: { branch: 'main' } }
const read = (spec: unknown) => readSource(source(spec), sourceDefaults)

describe('readSource', () => {
  it('fills in our own defaults, not those of fluxd', () => {
    expect(read(least).spec).toEqual({
      namespace: 'team',
      name: 'shop',
      origin: 'resource',
      url: 'https://git.example.com/shop.git',
      ref: { kind: 'branch', value: 'main' },
      branch: 'main',
      paths: [],
      maxBytes: 200_000_000,
      maxObjects: 100_000,
      include: [],
      exclude: [],
      pollIntervalMs: 60_000,
      syncIntervalMs: 300_000,
      syncTimeoutMs: 60_000,
      prune: true,
      pruneDry: false,
      allowedNamespaces: [],
      defaultNamespace: 'team',
      targetNamespace: '',
      serviceAccount: '',
      excludeResources: [],
      namespacedOnly: false,
      generate: false,
      render: 'auto',
      sops: false,
      sopsKeys: 'operator',
      sopsSecretName: '',
      gitSecret: false,
      verify: 'none',
      syncState: 'cluster',
      syncTag: 'flux-sync',
      notesRef: 'flux',
      readonly: false,
      drift: 'correct',
      ignore: [],
      overruleAutoscalers: false,
      dependsOn: [],
      suspended: undefined,
      wait: false,
      waitTimeoutMs: 300_000,
      secretName: '',
      object: { uid: 'u1', generation: 3, request: '' },
    })
  })

  it('takes every field that is given', () => {
    const since = '2026-01-02T03:04:05Z'
    const given = {
      url: 'git@git.example.com:team/shop.git',
      ref: { semver: '>=1.2.0 <2.0.0' },
      paths: ['deploy', 'apps/shop.yaml'],
      include: ['*.yaml'],
      exclude: ['/test/**'],
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
      suspend: { by: 'ann', why: 'a freeze', since },
      wait: true,
      waitTimeout: '10m',
      render: 'kustomize',
      sops: true,
      gitSecret: true,
      verify: 'first-parent',
      drift: 'warn',
      overruleAutoscalers: true,
      ignore: [{ pointers: ['/spec/replicas', '/metadata/annotations/a~1b'], kind: 'Deployment' }],
    }
    expect(readSource(source(given, { [requestAnnotation]: 'now' }), sourceDefaults).spec).toMatchObject({
      ref: { kind: 'semver', value: '>=1.2.0 <2.0.0' },
      branch: '',
      paths: ['deploy', 'apps/shop.yaml'],
      pollIntervalMs: 30_000,
      syncIntervalMs: 5_400_000,
      syncTimeoutMs: 120_000,
      secretName: 'deploy-key',
      prune: false,
      readonly: true,
      targetNamespace: 'shop',
      defaultNamespace: 'other',
      allowedNamespaces: ['shop'],
      serviceAccount: 'deployer',
      dependsOn: [
        { namespace: 'team', name: 'base' },
        { namespace: 'infra', name: 'shop' },
      ],
      suspended: { by: 'ann', why: 'a freeze', since },
      waitTimeoutMs: 600_000,
      render: 'kustomize',
      verify: 'first-parent',
      drift: 'warn',
      ignore: [{ pointers: ['/spec/replicas', '/metadata/annotations/a~1b'], kind: 'Deployment' }],
      object: { request: 'now' },
    })
  })

  const refs: [string, object, object][] = [
    ['a branch', { branch: 'release/1' }, { ref: { kind: 'branch', value: 'release/1' }, branch: 'release/1' }],
    ['a tag', { tag: 'v1.0' }, { ref: { kind: 'tag', value: 'v1.0' }, branch: '' }],
    ['a commit', { commit }, { ref: { kind: 'commit', value: commit }, branch: '' }],
    ['a tag beside a branch that is null', { tag: 'v1', branch: null }, { ref: { kind: 'tag', value: 'v1' } }],
  ]
  it.each(refs)('follows %s', (_what, ref, expected) => {
    expect(read({ ...least, ref }).spec).toMatchObject(expected)
  })

  it('is suspended by an empty map and not by null', () => {
    expect(read({ ...least, suspend: {} }).spec?.suspended).toEqual({ by: '', why: '', since: '' })
    expect(read({ ...least, suspend: null }).spec?.suspended).toBeUndefined()
  })

  it('uses the account that the operator gives to all, and runs generators where the operator allows it', () => {
    const defaults = { ...sourceDefaults, serviceAccount: 'tenant', mayGenerate: true }
    const { spec } = readSource(source({ ...least, generate: true }), defaults)
    expect(spec).toMatchObject({ serviceAccount: 'tenant', generate: true, render: 'plain' })
  })

  it.each([
    ['sops alone', { sops: true }, { sops: true, sopsKeys: 'operator', sopsSecretName: '' }],
    [
      'keys of its own',
      { decryption: { provider: 'sops', secretRef: { name: 'keys' } } },
      { sops: true, sopsKeys: 'secret', sopsSecretName: 'keys' },
    ],
    ['both', { sops: true, decryption: { secretRef: { name: 'keys' } } }, { sops: true, sopsKeys: 'secret' }],
  ])('is decrypted as it says: %s', (_what, more, expected) => {
    expect(read({ ...least, ...more }).spec).toMatchObject(expected)
  })

  describe('with --tenants', () => {
    const defaults = { ...sourceDefaults, areTenants: true }
    const account = { serviceAccountName: 'deployer' }

    it('brings nothing that is in no namespace', () => {
      expect(readSource(source({ ...least, ...account }), defaults).spec).toMatchObject({ namespacedOnly: true })
    })

    it.each([
      ['none without a Secret', { sops: true }, { sopsKeys: 'none', sopsSecretName: '' }],
      [
        'those of its Secret',
        { decryption: { secretRef: { name: 'a' } } },
        { sopsKeys: 'secret', sopsSecretName: 'a' },
      ],
    ])('has no key of Capstan, but %s', (_what, more, expected) => {
      expect(readSource(source({ ...least, ...account, ...more }), defaults).spec).toMatchObject(expected)
    })

    it.each([
      { name: 'has no account', more: {}, problem: /serviceAccountName is missing; with --tenants/ },
      {
        name: 'depends on a Source of another namespace',
        more: { ...account, dependsOn: [{ name: 'a', namespace: 'other' }] },
        problem: /namespace must be its own, with --tenants/,
      },
      {
        name: 'uses the keyring of Capstan',
        more: { ...account, gitSecret: true },
        problem: /gitSecret uses the keyring of Capstan/,
      },
      { name: 'runs generators', more: { ...account, generate: true }, problem: /no --tenants/ },
    ])('is refused when it $name', ({ more, problem }) => {
      expect(readSource(source({ ...least, ...more }), defaults).problem?.message).toMatch(problem)
    })
  })

  const bad: [string, unknown, RegExp][] = [
    ['no spec at all', undefined, /spec\.url is missing/],
    ['a spec that is a text', 'x', /spec must be a map/],
    ['no URL', { ref: { branch: 'main' } }, /spec\.url is missing/],
    ['an option as URL', { ...least, url: '--upload-pack=x' }, /spec\.url begins with a dash/],
    ['a helper as URL', { ...least, url: 'ext::sh -c x' }, /spec\.url/],
    ['a local URL', { ...least, url: 'file:///etc' }, /spec\.url is a local path/],
    [
      'a password in the URL',
      { ...least, url: 'https://a:hunter2@h/x' },
      /spec\.url must hold no user name or password/,
    ],
    ['a token in the URL', { ...least, url: 'https://ghp_x@h/x' }, /spec\.url must hold no user name/],
    ['keys without a Secret', { ...least, decryption: {} }, /spec\.decryption\.secretRef\.name is missing/],
    [
      'another way of decryption',
      { ...least, decryption: { provider: 'vault', secretRef: { name: 'a' } } },
      /spec\.decryption\.provider must be one of sops/,
    ],
    [
      'keys and no decryption',
      { ...least, sops: false, decryption: { secretRef: { name: 'a' } } },
      /spec\.sops must be true or absent/,
    ],
    ['no ref', { url: least.url }, /spec\.ref must have exactly one/],
    ['two refs', { ...least, ref: { branch: 'a', tag: 'b' } }, /spec\.ref must have exactly one/],
    ['an option as branch', { ...least, ref: { branch: '--output=x' } }, /spec\.ref\.branch is not a valid name/],
    ['a tag with two dots', { ...least, ref: { tag: 'a..b' } }, /spec\.ref\.tag is not a valid name/],
    ['a range that is none', { ...least, ref: { semver: 'latest' } }, /spec\.ref\.semver is not a range/],
    ['an empty range', { ...least, ref: { semver: '' } }, /spec\.ref\.semver is not a range/],
    ['a short commit', { ...least, ref: { commit: 'abc1234' } }, /spec\.ref\.commit must be the 40/],
    ['an absolute path', { ...least, paths: ['ok', '/etc'] }, /spec\.paths\[1\] must not be absolute/],
    ['a path that leads out', { ...least, paths: ['a/../../b'] }, /spec\.paths\[0\] must not hold/],
    ['a path that is null', { ...least, paths: [null] }, /spec\.paths\[0\] must be a text/],
    ['paths that are a text', { ...least, paths: 'deploy' }, /spec\.paths must be a list/],
    ['a control character', { ...least, include: ['a\u0000b'] }, /spec\.include\[0\] must hold no control/],
    ['an interval that is too short', { ...least, interval: '9s' }, /spec\.interval must be a duration between/],
    ['an interval that is too long', { ...least, syncInterval: '25h' }, /spec\.syncInterval must be a duration/],
    ['an interval that is a number', { ...least, interval: 60 }, /spec\.interval must be a duration/],
    ['a budget that is no duration', { ...least, timeout: 'soon' }, /spec\.timeout must be a duration/],
    ['a Secret without a name', { ...least, secretRef: {} }, /spec\.secretRef\.name is missing/],
    ['a Secret elsewhere', { ...least, secretRef: { name: '../x' } }, /spec\.secretRef\.name is not a name/],
    ['an empty account', { ...least, serviceAccountName: '' }, /spec\.serviceAccountName is not a name/],
    ['an account with a colon', { ...least, serviceAccountName: 'a:b' }, /spec\.serviceAccountName is not a name/],
    ['a namespace that is none', { ...least, targetNamespace: 'A_b' }, /spec\.targetNamespace is not the name/],
    ['prune as a text', { ...least, prune: 'false' }, /spec\.prune must be true or false/],
    ['a word that is not in the list', { ...least, drift: 'fix' }, /spec\.drift must be one of correct, warn, off/],
    ['itself as dependency', { ...least, dependsOn: [{ name: 'shop' }] }, /spec\.dependsOn\[0\]\.name must not name/],
    ['a dependency without a name', { ...least, dependsOn: [{}] }, /spec\.dependsOn\[0\]\.name is missing/],
    ['a rule without pointers', { ...least, ignore: [{ kind: 'A' }] }, /spec\.ignore\[0\]\.pointers is missing/],
    ['a pointer that is none', { ...least, ignore: [{ pointers: ['a.b'] }] }, /pointers\[0\] is not a JSON pointer/],
    ['generators that nobody allowed', { ...least, generate: true }, /spec\.generate needs --manifest-generation/],
    ['suspend as a truth value', { ...least, suspend: true }, /spec\.suspend must be a map/],
  ]
  it.each(bad)('refuses %s and names the field', (_what, spec, message) => {
    const { problem } = read(spec)
    expect(problem).toMatchObject({ reason: 'InvalidSource', id: 'team:source/shop' })
    expect(problem?.message).toMatch(message)
    expect(problem?.message).not.toContain('hunter2')
  })

  it('names all that is wrong at once', () => {
    const { problem } = read({ ...least, paths: ['/a'], interval: '1s' })
    expect(problem?.message).toMatch(/spec\.paths\[0\].*; spec\.interval/)
  })

  it('never throws and never gives a spec with an unsafe URL, ref or path, whatever the object holds', () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    const spec = fc.record(
      {
        url: fc.oneof(value, fc.constant(least.url)),
        ref: fc.oneof(value, fc.constant(least.ref)),
        paths: value,
        ignore: value,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(value, spec), (given) => {
        const { spec: found, problem } = read(given)
        expect(found === undefined).toBe(problem !== undefined)
        if (found)
          expect(found.paths.some((path) => path.startsWith('/') || path.split('/').includes('..'))).toBe(false)
      }),
    )
  })
})
