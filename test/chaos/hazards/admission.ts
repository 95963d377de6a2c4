import type { ClusterClient } from '../cluster-client.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import type { Manifest } from '../objects.ts'
import type { Random } from '../random.ts'
import { until } from '../../../playground/stack/until.ts'
import { manyObjects } from './process-death.ts'

const bad = 5

export const c10: Hazard = {
  id: 'C10',
  promise:
    '500 objects of which 5 are invalid (and, odd trials, an admission webhook that is down): 495 applied, 5 reported by file and line',
  trials: scaled(20),
  run: (trial) => someInvalid(trial, manyObjects),
}

/** The same with as many objects as a caller has time for. */
export async function someInvalid({ world, random, index }: Trial, count: number): Promise<TrialResult> {
  const stage = await world.stage()
  const objects = stage.objects(count, 'one')
  const victims = chooseConfigMaps(objects, random)
  const denied = index % 2 === 1
  const files = victims.map((victim) => (denied ? caught(victim, stage.id) : invalid(victim, random)))
  const wanted = objects.filter((object) => !victims.includes(object))
  const hook = `chaos-${stage.id}`
  if (denied) await deadWebhook(stage.cluster, hook, stage.id)
  try {
    const more = Object.fromEntries(
      files.map((file, n) => [`bad/${n}.yaml`, `# in front of the object\n---\n${JSON.stringify(file)}\n`]),
    )
    const commit = await stage.push(wanted, more)
    stage.capstan.start()
    await until('the commit was tried', async () => (await stage.source())?.attempted === `main@${commit}`, {
      timeoutMs: 120_000,
      logFile: stage.capstan.logFile,
    })
    const { missing, different } = await stage.differences(wanted)
    const source = await stage.source()
    const named = new Set(
      source?.failed.filter(({ file, line }) => /^bad\/\d\.yaml$/.test(file) && line >= 2).map(({ file }) => file),
    )
    return judge(
      {
        notApplied: [missing.length + different.length, 0],
        notReported: [bad - named.size, 0],
        reportedTooMuch: [Math.max(0, (source?.failed.length ?? 0) - bad), 0],
        readyAlthough: [source?.ready ? 1 : 0, 0],
      },
      JSON.stringify({ files, failed: source?.failed }),
    )
  } finally {
    if (denied)
      await stage.cluster.call(
        'DELETE',
        `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${hook}`,
      )
  }
}

function chooseConfigMaps(objects: readonly Manifest[], random: Random): Manifest[] {
  const candidates = objects.filter(({ kind }) => kind === 'ConfigMap')
  return Array.from(
    { length: bad },
    () => candidates.splice(random.between(0, candidates.length - 1), 1)[0] as Manifest,
  )
}

/** The label by which the webhook chooses; without the stage's own one, so that it is not looked for. */
function caught(victim: Manifest, stage: string): Manifest {
  return { ...victim, metadata: { ...victim.metadata, labels: { 'chaos-denied': stage } } }
}

/** Everything that a person gets wrong: refused by the schema, by validation, or a kind that is not there. */
function invalid(victim: Manifest, random: Random): Manifest {
  const metadata = { ...victim.metadata, labels: {} }
  return random.pick<Manifest>([
    { ...victim, metadata, data: { value: { nested: 'no string' } } },
    { ...victim, metadata, data: ['a list'] },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 99_999 }] } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...metadata, name: `Not_A_Name_${victim.metadata.name}` } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 'many' } },
    { apiVersion: 'chaos.example/v1', kind: 'Nothing', metadata },
  ])
}

/** Nobody listens there, and the API server refuses what nobody admitted. */
async function deadWebhook(cluster: ClusterClient, name: string, stage: string): Promise<void> {
  await cluster.call('POST', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: 'dead.chaos.example',
        clientConfig: { url: 'https://127.0.0.1:9/nobody', caBundle: '' },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }],
        objectSelector: { matchLabels: { 'chaos-denied': stage } },
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 1,
      },
    ],
  })
}
