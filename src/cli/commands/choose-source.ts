import type { Source } from '../../api/contract/status.ts'
import type { Context } from '../context.ts'
import { NotThere, WrongUsage } from '../exit.ts'
import { clean } from '../print/clean.ts'

type Asking = Pick<Context, 'client' | 'signal'>

/** The source that is meant: the one named (name or namespace/name), or the only one. */
export async function chooseSource(context: Asking, given: string | undefined): Promise<Source> {
  const { client, signal } = context
  const { sources } = await client().sources({ signal })
  return pick(sources, given)
}

/** As {@link chooseSource}; where none is named, the one whose repository has all of these workloads (IDs). */
export async function chooseSourceOf(
  context: Asking,
  given: string | undefined,
  workloads: readonly string[],
): Promise<Source> {
  const { client, signal } = context
  const { sources } = await client().sources({ signal })
  if (given !== undefined || sources.length < 2 || workloads.length === 0) return pick(sources, given)
  const places = new Map<string, string>()
  for (const id of workloads) {
    const { workloads: found } = await client().workloads({ name: id, limit: 500 }, { signal })
    const { source = '' } = found.find((one) => one.id === id) ?? {}
    if (source !== '') places.set(id, source)
  }
  const [first, ...others] = new Set(places.values())
  if (others.length > 0) {
    const where = [...places].map(([id, source]) => `${id} is in ${source}`).join(', ')
    throw new WrongUsage(`The workloads are not all of one source: ${clean(where)}. Ask for one source at a time.`)
  }
  return pick(sources, places.size === workloads.length ? first : undefined)
}

function pick(sources: readonly Source[], given: string | undefined): Source {
  const names = sources.map(({ namespace, name }) => `${namespace}/${name}`)
  if (given === undefined && sources.length > 1)
    throw new WrongUsage(`Which source? There is ${names.join(', ')}: name one.`)
  const found = sources.find(({ name }, at) => given === undefined || given === name || given === names[at])
  if (found) return found
  if (sources.length === 0) throw new NotThere('There is no source: Capstan runs without --git-url.')
  throw new NotThere(`There is no source ${given}; there is ${names.join(', ')}.`)
}
