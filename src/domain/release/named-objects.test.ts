import { describe, expect, it } from 'vitest'
import { namedObjects } from './named-objects.ts'
import { readSpec } from './spec.ts'

function named(spec: Record<string, unknown>): string[] {
  const head = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata: { name: 'web', namespace: 'a' } }
  const objects = namedObjects(readSpec({ ...head, spec }, { gitRef: 'master', updateDependencies: true }))
  return objects.map(({ kind, namespace, name, as }) => `${as} ${kind} ${namespace}/${name}`)
}

describe('namedObjects', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    ['nothing', {}, []],
    ['old files of values', { valueFileSecrets: [{ name: 's' }] }, ['input Secret a/s']],
    [
      'sources of values that are objects',
      {
        valuesFrom: [
          { configMapKeyRef: { name: 'c', namespace: 'b' } },
          { secretKeyRef: { name: 's' } },
          { externalSourceRef: { url: 'https://x' } },
          { chartFileRef: { path: 'x' } },
        ],
      },
      ['input ConfigMap b/c', 'input Secret a/s'],
    ],
    [
      'the login of a chart’s repository',
      { chart: { git: 'https://g', path: 'p', secretRef: { name: 'login' } } },
      ['input Secret a/login'],
    ],
    [
      'the login of a repository of charts',
      { chart: { repository: 'https://r', name: 'c', version: '1.0.0', chartPullSecret: { name: 'pull' } } },
      ['input Secret a/pull'],
    ],
    [
      'sources and no releases',
      { dependsOn: [{ name: 'db' }, { kind: 'Source', namespace: 'flux', name: 'base' }] },
      ['dependency Source flux/base', 'dependency ConfigMap flux/capstan-source-base'],
    ],
    ['no name', { valuesFrom: [{ secretKeyRef: {} }] }, []],
  ])('%s', (_what, spec, expected) => {
    expect(named(spec)).toEqual(expected)
  })
})
