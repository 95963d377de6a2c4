import type { Release } from '../../api/contract/status.ts'
import type { Context } from '../context.ts'
import { NotThere, WrongUsage } from '../exit.ts'

/** The HelmRelease that is meant: `name` where it is the only one of that name, or `namespace/name`; helm's name does as well. */
export async function chooseRelease(
  { client, signal }: Pick<Context, 'client' | 'signal'>,
  given: string,
): Promise<Release> {
  const { releases } = await client().releases({ signal })
  const named = releases.filter(({ namespace, name }) => given === name || given === `${namespace}/${name}`)
  const found = named.length > 0 ? named : releases.filter(({ release }) => release === given)
  const [first] = found
  if (!first) throw new NotThere(`There is no release ${given}; see capstan status.`)
  if (found.length === 1) return first
  const names = found.map(({ namespace, name }) => `${namespace}/${name}`)
  throw new WrongUsage(`Which release? ${names.join(', ')}`)
}
