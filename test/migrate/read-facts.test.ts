import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCluster } from '../../src/adapters/cluster/index.ts'
import { createLog, createRedactor } from '../../src/adapters/log/index.ts'
import { readOldDeployment } from '../../src/domain/migrate/old-deployment.ts'
import { planMove } from '../../src/domain/migrate/plan-move.ts'
import { readOldFacts } from '../../src/jobs/migrate/read-facts.ts'
import { kubectl } from '../packaging/chart.ts'
import { stack } from '../stack/stack.ts'
import { noReleases } from './rows.ts'
import { fluxd } from './shapes.ts'

const namespace = `capstan-facts-${randomBytes(4).toString('hex')}`

beforeAll(async () => {
  await kubectl(['create', 'namespace', namespace])
  for (const name of ['tool-key', 'tool-variables', 'tool-files'])
    await kubectl(['-n', namespace, 'create', 'secret', 'generic', name, '--from-literal=key=a'])
})

afterAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--wait=false'])
})

it('finds, and copies, the Secrets that only an init container names', async () => {
  const fetches = {
    name: 'fetch',
    image: 'busybox:1',
    env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'tool-key', key: 'key' } } }],
    envFrom: [{ secretRef: { name: 'tool-variables' } }],
  }
  const object = fluxd({
    namespace,
    pod: {
      initContainers: [{ ...fetches, volumeMounts: [{ name: 'files', mountPath: '/files' }] }],
      volumes: [{ name: 'files', secret: { secretName: 'tool-files' } }],
    },
  })
  const old = readOldDeployment(object) ?? expect.fail('no ancestor')
  const log = createLog({ format: 'fmt', level: 'error', redactor: createRedactor() })
  const cluster = createCluster({ kubeconfig: stack().kubeconfig, log })
  try {
    const deps = { cluster, readFlags: () => ({ flags: [], problems: [] }) }
    const facts = await readOldFacts(deps, old, 'elsewhere', AbortSignal.timeout(60_000))
    const { copies } = planMove({ halves: [facts], releases: noReleases, installed: undefined, goOn: new Set() })
    expect(copies.map(({ name }) => name).toSorted()).toEqual([
      'capstan-tool-files',
      'capstan-tool-key',
      'capstan-tool-variables',
    ])
  } finally {
    await cluster.close()
  }
})
