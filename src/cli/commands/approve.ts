import type { Source } from '../../api/contract/status.ts'
import type { Action } from '../context.ts'
import { exitCodes, WrongUsage } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { chooseSource } from './choose-source.ts'
import { followChange } from './follow-change.ts'

export type ApproveOptions = {
  source: string | undefined
  /** The commit whose deletions may go; undefined: the one that is held now. */
  commit: string | undefined
  /** Who approves, as claimed; undefined: the user of this machine. */
  user: string | undefined
  timeoutMs: number
}

/** `capstan approve`: lets a held mass deletion go, of one commit and no other. */
export const approveSource: Action<ApproveOptions> = async (context, options) => {
  const { signal } = context
  const source = await chooseSource(context, options.source)
  const { namespace, name } = source
  const held = source.held.filter(({ reason }) => reason === 'MassDeletion')
  const commit = commitOf(source, options.commit, held.length > 0)
  if (commit === undefined) {
    context.out.write(`nothing waits for approval in ${clean(`${namespace}/${name}`)}\n`)
    return exitCodes.done
  }
  const by = options.user ?? context.user
  const asked = await context.client().approveSource(namespace, name, { commit, by }, { signal })
  const done = `approved the deletions of ${commit.slice(0, 7)}`
  return await followChange(context, asked, { done, timeoutMs: options.timeoutMs })
}

/** The first characters of the commit that is held are enough. */
function commitOf({ attempted }: Source, given: string | undefined, isHeld: boolean): string | undefined {
  const current = attempted.slice(attempted.lastIndexOf('@') + 1)
  if (given === undefined) return isHeld ? current : undefined
  if (/^[0-9a-f]{40}$/.test(given)) return given
  if (/^[0-9a-f]{7,39}$/.test(given) && current.startsWith(given)) return current
  throw new WrongUsage(
    `--commit ${given} is not the commit that was tried last; give all 40 characters of another one.`,
  )
}
