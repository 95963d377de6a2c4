import { ApiRefusal } from '../../api/client.ts'
import type { Release } from '../../api/contract/status.ts'
import type { Context } from '../context.ts'
import { TimedOut } from '../exit.ts'
import type { Workload } from '../fluxctl/api.ts'
import { type Standing, standingOf, watchRollout } from '../fluxctl/rollout.ts'
import { clean } from '../print/clean.ts'
import { Failed } from './follow-answer.ts'

/**
 * `--watch` of `capstan release`: as fluxctl shows it, but it ends with the time that is given, and knows helm's words for ready and
 * failed. Throws {@link Failed} where a workload is stuck, {@link TimedOut} past the time.
 */
export async function watchRelease(
  context: Context,
  { ids, verbosity }: { ids: readonly string[]; verbosity: number },
  timeoutMs: number,
): Promise<void> {
  const { out, err, flux, now } = context
  const end = now() + timeoutMs
  const waits = new Map<string, string>()
  const judge = async (workload: Workload): Promise<Standing> => {
    const { standing, why } = await standingOfAny(context, workload)
    if (standing === 'moving') waits.set(workload.ID, why)
    else waits.delete(workload.ID)
    return standing
  }
  const pause = async (ms: number): Promise<void> => {
    const leftMs = end - now()
    if (leftMs <= 0) throw new TimedOut(`Timed out while waiting for ${listOf(waits)}; it goes on without us.`)
    await context.pause(Math.min(ms, leftMs))
  }
  const isReady = await watchRollout({ api: flux(), out, err, pause }, { ids, verbosity, judge })
  if (!isReady) throw new Failed('the rollout does not go on by itself')
}

function listOf(waits: ReadonlyMap<string, string>): string {
  return [...waits].map(([id, why]) => clean(`${id} (${why})`)).join(', ')
}

type Judged = { standing: Standing; why: string }

/** A HelmRelease says what helm stored last, which may be of what it asked for before. */
async function standingOfAny(context: Context, workload: Workload): Promise<Judged> {
  const [, namespace, name] = /^([^:]+):helmrelease\/(.+)$/.exec(workload.ID) ?? []
  const standing = standingOf(workload)
  if (namespace === undefined || name === undefined || standing !== 'moving') return { standing, why: workload.Status }
  const row = await readRelease(context, namespace, name)
  const told = row && !row.ready ? [row.reason, row.message].filter(Boolean).join(': ') : ''
  if (workload.Status === 'failed') return { standing: { problem: [told || 'helm says: failed'] }, why: '' }
  const isReady = workload.Status === 'deployed' && told === ''
  return { standing: isReady ? 'ready' : 'moving', why: told || workload.Status }
}

/** Undefined where nobody here knows more of it, or we may not read it. */
async function readRelease({ client, signal }: Context, namespace: string, name: string): Promise<Release | undefined> {
  try {
    return await client().release(namespace, name, { signal })
  } catch (error) {
    if (error instanceof ApiRefusal && [403, 404].includes(error.problem.status)) return undefined
    throw error
  }
}
