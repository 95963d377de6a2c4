import { describe, expect, it } from 'vitest'
import { helmReleaseKind, nameProblem, readSpec } from './spec.ts'

function read(spec: Record<string, unknown>, metadata: Record<string, unknown> = {}) {
  const object = {
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    metadata: { name: 'web', namespace: 'a', ...metadata },
    spec,
  }
  return readSpec(object, { gitRef: 'master', updateDependencies: true })
}

describe('readSpec', () => {
  it.each([
    ['its own name', { releaseName: 'mine' }, 'mine'],
    ['namespace and name', {}, 'a-web'],
    ['namespace, target and name', { targetNamespace: 'b' }, 'a-b-web'],
  ])('names the release by %s (helm-operator §2)', (_name, spec, release) => {
    expect(read(spec).release).toBe(release)
  })

  it.each([
    ['its own account', { serviceAccountName: 'mine' }, 'mine'],
    ['the default account where it names none', {}, 'shared'],
  ])('has %s', (_name, spec, serviceAccount) => {
    const object = { ...helmReleaseKind, metadata: { name: 'web', namespace: 'a' }, spec }
    const defaults = { gitRef: 'master', updateDependencies: true }
    expect(readSpec(object, { ...defaults, serviceAccount: 'shared' })).toMatchObject({ serviceAccount })
    expect(readSpec(object, defaults).serviceAccount).toBe(serviceAccount === 'mine' ? 'mine' : '')
  })

  it('has the run-time defaults of the Operator', () => {
    expect(read({})).toMatchObject({
      targetNamespace: 'a',
      chart: { kind: 'none' },
      valuesFrom: [],
      values: {},
      timeoutSeconds: 300,
      maxHistory: 10,
      wait: false,
      resetValues: true,
      rollback: { enable: false, maxRetries: 5, timeoutSeconds: 300 },
      test: { enable: false, ignoreFailures: false, timeoutSeconds: 300, cleanup: false },
      helmVersion: 'v3',
    })
  })

  it.each([
    ['with rollback', { rollback: { enable: true } }, true],
    ['with tests', { test: { enable: true } }, true],
    ['not when it says so', { rollback: { enable: true }, wait: false }, false],
  ])('waits %s', (_name, spec, expected) => {
    expect(read(spec).wait).toBe(expected)
  })

  it('takes git before a repository, with the default ref', () => {
    const repository = { repository: 'https://charts', name: 'x', version: '1.0.0' }
    expect(read({ chart: { git: 'https://git', path: 'p', ...repository } }).chart).toMatchObject({
      kind: 'git',
      ref: 'master',
    })
    expect(read({ chart: { git: 'https://git', ...repository } }).chart).toMatchObject({ kind: 'repository' })
    expect(read({ chart: { repository: 'https://charts', name: 'x' } }).chart).toEqual({ kind: 'none' })
  })

  it('reads the sources of values in order, the first reference of each entry', () => {
    const spec = {
      valueFileSecrets: [{ name: 'old' }],
      valuesFrom: [
        { configMapKeyRef: { name: 'c' }, secretKeyRef: { name: 'never' } },
        { secretKeyRef: { name: 's', namespace: 'b', key: 'k', optional: true } },
        { externalSourceRef: { url: 'https://x' } },
        { chartFileRef: { path: 'prod.yaml' } },
        {},
      ],
    }
    expect(read(spec).valuesFrom).toEqual([
      { kind: 'Secret', namespace: 'a', name: 'old', key: 'values.yaml', optional: false },
      { kind: 'ConfigMap', namespace: 'a', name: 'c', key: 'values.yaml', optional: false },
      { kind: 'Secret', namespace: 'b', name: 's', key: 'k', optional: true },
      { kind: 'url', url: 'https://x', optional: false },
      { kind: 'chartFile', path: 'prod.yaml', optional: false },
    ])
  })

  it('has no values where they are not a map', () => {
    expect(read({ values: ['a'] }).values).toBeUndefined()
  })
})

describe('nameProblem', () => {
  it.each([
    ['a-web', 'a', true],
    ['my.release', 'a', true],
    ['--post-renderer=x', 'a', false],
    ['Web', 'a', false],
    ['x'.repeat(54), 'a', false],
    ['web', '-n', false],
  ])('%s in %s', (releaseName, targetNamespace, good) => {
    expect(nameProblem(read({ releaseName, targetNamespace })) === undefined).toBe(good)
  })
})
