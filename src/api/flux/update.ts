import type { Views } from '../../views/create-views.ts'
import type { AppOptions } from '../app-options.ts'
import { badRequest, userError } from './errors.ts'
import { needFluxSource } from './flux-source.ts'

/** Who asks, as claimed, and why. */
type Cause = { Message: string; User: string }

type Options = { views: Views } & Pick<AppOptions, 'enqueue'>

/** Asks for what an update spec says and gives the id of the job that does it (flux-v1 §23). */
export async function askForUpdate(body: unknown, options: Options): Promise<string> {
  const { type } = (body ?? {}) as { type?: unknown }
  if (typeof type !== 'string' || type === '') throw badRequest('no type in update spec')
  if (type === 'sync') return await askForSync(causeOf(body), options)
  throw userError(`unknown update type "${type}"`)
}

/** Fetches now and reconciles, also at an unchanged head (#2818). */
async function askForSync({ User: user }: Cause, { views, enqueue }: Options): Promise<string> {
  const { namespace, name } = needFluxSource(views)
  const reason = `requested by ${user || 'fluxctl'}`
  const { jobId } = await enqueue({ kind: 'fetch-source', namespace, name, reason, lane: 'person' })
  return jobId
}

/** Empty texts for what is left out. */
export function causeOf(body: unknown): Cause {
  const { cause } = (body ?? {}) as { cause?: { Message?: unknown; User?: unknown } | null }
  const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, mostText) : '')
  return { Message: textOf(cause?.Message), User: textOf(cause?.User) }
}

const mostText = 4000
