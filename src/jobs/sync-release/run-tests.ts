import type { StoredHook } from '../../adapters/helm/index.ts'
import { toAppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { inputsOf } from '../../domain/release/record.ts'
import { countAction } from './count.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { appliedNow, begin, digestsOf, noteFailure, settle } from './keep-record.ts'
import { narrate } from './narrate.ts'
import { lookAgain, readStored } from './revisions.ts'
import type { PreparedWork, Work } from './work.ts'

/** The last lines say why a test failed; a condition and an Event have no room for more. */
const logLimits = { tailLines: 10, limitBytes: 2_048 }
const mostPods = 3
const longestMessage = 1_000

/**
 * Runs the chart's tests by helm. What failed is told with helm's words and the end of the logs of the test pods, redacted. With
 * `test.cleanup` what the tests made is deleted afterwards; helm 3 itself leaves it until the next run.
 */
export async function runTests(work: PreparedWork, deps: SyncReleaseDeps): Promise<{ problem?: string }> {
  const { spec, status, signal } = work
  const { release, targetNamespace: namespace } = spec
  await begin(work, { verb: 'test', inputs: inputsOf(digestsOf(work.wanted)) }, deps)
  status.enter('Testing', `Running the tests of release ${release}`)
  await status.write()
  narrate(spec, 'running test', deps)
  deps.fence.check()
  const began = deps.now().getTime()
  const outcome = await deps.helm.test({ release, namespace, timeoutSeconds: spec.test.timeoutSeconds }, signal)
  await lookAgain(work, deps)
  countAction('test', { success: outcome.ok, began }, work, deps)
  const hooks = await testHooks(work, deps)
  const message = outcome.ok ? '' : (outcome.message + (await logsOf(hooks, work, deps))).slice(0, longestMessage)
  if (spec.test.cleanup) await cleanUp(hooks, work, deps)
  if (!outcome.ok && !spec.test.ignoreFailures) {
    await noteFailure(work, { by: 'test', outcome: { reason: outcome.reason, message }, stored: true }, deps)
    return { problem: message }
  }
  if (outcome.ok) status.enter('Tested', `The tests of release ${release} passed`)
  else status.enter('TestFailed', `${outcome.reason}: ${message}`)
  narrate(spec, outcome.ok ? 'test succeeded' : `test failed - ignoring failures: ${message}`, deps)
  const { testDue: _passed, ...applied } = work.stored.record?.applied ?? appliedNow(work)
  await settle(work, { applied }, deps)
  return {}
}

async function testHooks(work: Work, deps: SyncReleaseDeps): Promise<StoredHook[]> {
  const release = await readStored(work, deps)
  return (release?.hooks ?? []).filter(({ events }) => events.some((event) => event.startsWith('test')))
}

/** `; log of pod x: …` for the test pods that did not succeed; what cannot be had is left out. */
async function logsOf(hooks: readonly StoredHook[], work: Work, deps: SyncReleaseDeps): Promise<string> {
  const found = await Promise.all(hooks.map((hook) => podsOf(hook, work, deps)))
  const pods = found.flat().filter(({ status }) => (status as { phase?: string } | undefined)?.phase !== 'Succeeded')
  const texts = await Promise.all(pods.slice(0, mostPods).map((pod) => endOfLog(pod, work, deps)))
  work.signal.throwIfAborted()
  return texts.join('')
}

async function podsOf(
  { ref }: StoredHook,
  { spec, signal }: Work,
  { cluster }: SyncReleaseDeps,
): Promise<KubeObject[]> {
  const namespace = ref.namespace ?? spec.targetNamespace
  try {
    if (ref.kind === 'Pod') {
      const pod = await cluster.get({ ...ref, namespace }, { signal })
      return pod ? [pod] : []
    }
    if (ref.kind !== 'Job') return []
    const query = { apiVersion: 'v1', kind: 'Pod', namespace, labelSelector: `job-name=${ref.name}` }
    return await cluster.list(query, signal)
  } catch {
    return []
  }
}

async function endOfLog(pod: KubeObject, { signal }: Work, deps: SyncReleaseDeps): Promise<string> {
  const { namespace = '', name } = pod.metadata
  const { containers = [] } = pod.spec as { containers?: { name: string }[] }
  const logs = await Promise.all(
    containers.map(async (container) => {
      try {
        return await deps.cluster.podLog({ namespace, name, container: container.name }, logLimits, signal)
      } catch {
        return ''
      }
    }),
  )
  const text = deps.redactor
    .redact(logs.join('\n'))
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
  return text ? `; log of pod ${name}: ${text}` : ''
}

/** What says that it is to be kept stays; what cannot be deleted is told and is no failure. */
async function cleanUp(hooks: readonly StoredHook[], { spec, signal }: Work, deps: SyncReleaseDeps): Promise<void> {
  for (const { ref } of hooks) {
    const where = { namespace: spec.targetNamespace, ...ref }
    try {
      const found = await deps.cluster.get(where, { metadataOnly: true, signal })
      if (!found || found.metadata.annotations?.['helm.sh/resource-policy'] === 'keep') continue
      deps.fence.check()
      await deps.cluster.delete(where, { uid: found.metadata.uid ?? '' }, signal)
    } catch (error) {
      signal.throwIfAborted()
      deps.log.info({ release: spec.release }, `a test was not cleaned up: ${toAppError(error).message}`)
    }
  }
}
