import type { UpdateSpec } from '../../domain/work/update-spec.ts'
import type { AppOptions } from '../app-options.ts'
import { askFor } from '../ask-for.ts'
import { userError } from './errors.ts'
import { needFluxSource } from './flux-source.ts'
import type { Wanted } from './read-update.ts'

type Options = Pick<AppOptions, 'views' | 'enqueue' | 'requests'>

/** Asks for an update and gives the id of the job that does it, which is known from then on (flux-v1 §23). */
export async function askForUpdate(wanted: Wanted, options: Options): Promise<string> {
  const by = wanted.cause.User || 'fluxctl'
  return wanted.type === 'sync' ? await askForSync(by, options) : await askForChange(wanted, by, options)
}

/** Fetches now and reconciles, also at an unchanged head (#2818). */
async function askForSync(by: string, { views, enqueue }: Options): Promise<string> {
  const { namespace, name } = needFluxSource(views)
  const { jobId } = await enqueue({
    kind: 'fetch-source',
    namespace,
    name,
    reason: `requested by ${by}`,
    lane: 'person',
  })
  return jobId
}

/** The id is that of the request, which the note of the commit has, too. */
async function askForChange(update: UpdateSpec, by: string, options: Options): Promise<string> {
  const of = needFluxSource(options.views)
  if (!options.views.does('updates')) throw userError('images are switched off', 'See --enable of capstan run.')
  const asked = await askFor({ of, by, ask: { kind: 'update-images', update } }, options)
  if (!asked) throw userError(`there is no source ${of.namespace}/${of.name} any more`)
  return asked.id
}
