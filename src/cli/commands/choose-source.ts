import type { Source } from '../../api/contract/status.ts'
import type { Context } from '../context.ts'
import { NotThere, WrongUsage } from '../exit.ts'

/** The source that is meant: the one named (name or namespace/name), or the only one. */
export async function chooseSource(
  { client, signal }: Pick<Context, 'client' | 'signal'>,
  given: string | undefined,
): Promise<Source> {
  const { sources } = await client().sources({ signal })
  const names = sources.map(({ namespace, name }) => `${namespace}/${name}`)
  if (given === undefined && sources.length > 1)
    throw new WrongUsage(`Which source? There is ${names.join(', ')}: name one.`)
  const found = sources.find(({ name }, at) => given === undefined || given === name || given === names[at])
  if (found) return found
  if (sources.length === 0) throw new NotThere('There is no source: Capstan runs without --git-url.')
  throw new NotThere(`There is no source ${given}; there is ${names.join(', ')}.`)
}
