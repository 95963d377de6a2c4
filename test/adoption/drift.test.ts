import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { driftOf } from '../../src/domain/plan/drift.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { kubectl, live } from './world.ts'

let cluster: Cluster
let namespace: string

beforeAll(async () => {
  cluster = realCluster()
  namespace = await makeNamespace(cluster)
})
afterAll(async () => {
  await removeNamespace(cluster, namespace)
  await cluster.close()
})

const containers = '.spec.template.spec.containers'

function deployment(name: string): KubeObject {
  const web = {
    name: 'web',
    image: 'example.com/web:1',
    args: [],
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '' },
    ],
    ports: [{ containerPort: 80 }],
    resources: { limits: { cpu: '1000m' } },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { app: name, 'example.com/team': 'a' }, annotations: {} },
    spec: {
      replicas: 2,
      paused: false,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { hostNetwork: false, nodeSelector: { disk: 'ssd' }, containers: [web] },
      },
    },
  }
}

type Row = [fact: string, commands: (name: string) => string[][], drift: { manager: string; fields: string[] }[]]

const rows: Row[] = [
  ['nothing', () => [], []],
  [
    'a scaling and an image',
    (name) => [
      ['scale', `deployment/${name}`, '--replicas=5'],
      ['set', 'image', `deployment/${name}`, 'web=example.com/web:2'],
    ],
    [
      { manager: 'kubectl', fields: ['.spec.replicas'] },
      { manager: 'kubectl-set', fields: [`${containers}[name="web"].image`] },
    ],
  ],
  [
    'a label that was changed',
    (name) => [['label', '--overwrite', `deployment/${name}`, 'example.com/team=b']],
    [{ manager: 'kubectl-label', fields: ['.metadata.labels.example.com/team'] }],
  ],
  [
    'fields that were removed',
    (name) => [
      ['label', `deployment/${name}`, 'example.com/team-'],
      ['set', 'env', `deployment/${name}`, 'A-'],
      ['patch', `deployment/${name}`, '-p={"spec":{"template":{"spec":{"nodeSelector":null}}}}'],
    ],
    [
      {
        manager: '',
        fields: [
          '.metadata.labels.example.com/team',
          '.spec.template.spec.nodeSelector',
          `${containers}[name="web"].env[name="A"]`,
        ],
      },
    ],
  ],
  ['what git does not name', (name) => [['label', `deployment/${name}`, 'mine=yes']], []],
]

describe('a drift report', () => {
  it.each(rows)('names %s', async (fact, commands, expected) => {
    const name = fact.replaceAll(' ', '-')
    const desired = deployment(name)
    await cluster.apply(desired, { force: true })
    for (const command of commands(name)) await kubectl(['-n', namespace, ...command])
    const found = driftOf(await live(cluster, desired), desired)
    expect(found.map(({ manager, fields }) => ({ manager, fields }))).toEqual(
      expect.arrayContaining(expected.map((one) => ({ ...one, fields: one.fields }))),
    )
    expect(found).toHaveLength(expected.length)
    for (const { manager, operation, time } of found) {
      expect(operation).toBe(manager ? 'Update' : '')
      if (manager.startsWith('kubectl-')) expect(time).toMatch(/^\d{4}-.*Z$/)
      if (manager === '') expect(time).toBe('')
    }
    await cluster.apply(desired, { force: true })
    expect(driftOf(await live(cluster, desired), desired)).toEqual([])
  })
})
