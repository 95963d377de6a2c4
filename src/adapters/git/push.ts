import { AppError } from '../../domain/error.ts'
import { GitRefusal } from './command.ts'
import type { Operation } from './operation.ts'

/** One ref to push. `to` empty deletes it; `expected` is the object it must be at now, empty for "must not be there". */
export type RefUpdate = { ref: string; to: string; expected: string }

/** A push that lost the race, as git and the usual servers put it. */
const lostRace =
  /\[rejected\]|stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|incorrect old value|reference already exists|remote ref does not match/i
/** A push that the server will not have, race or not. */
const refused = /\[remote rejected\]|hook declined|protected branch|not allowed to push|shallow update not allowed/i

const flags = ['--porcelain', '--no-follow-tags', '--recurse-submodules=no', '--no-verify', '--no-signed']

/**
 * Pushes with a lease on what each ref is expected to be. `lost`: the first one is elsewhere by now. `without`: it alone was pushed,
 * since one of the others is elsewhere; all others or nothing where the server can do that. Throws GitPushRefused where the server
 * will not have the first.
 */
export async function pushRefs(
  { git, reach }: Operation,
  [first, ...others]: readonly [RefUpdate, ...RefUpdate[]],
): Promise<'pushed' | 'without' | 'lost'> {
  const push = async (updates: readonly RefUpdate[], atomic: boolean) => {
    const leases = updates.map(({ ref, expected }) => `--force-with-lease=${ref}:${expected}`)
    const refspecs = updates.map(({ ref, to }) => `${to}:${ref}`)
    const all = [...flags, ...(atomic ? ['--atomic'] : []), ...leases, '--end-of-options', reach.url, ...refspecs]
    await git.text(['push', ...all])
  }
  if (others.length > 0) {
    try {
      await push([first, ...others], true)
      return 'pushed'
    } catch (error) {
      const line = lineOf(error, first.ref)
      const alone = line === undefined ? isNotAtomic(error) : /atomic/i.test(line)
      if (!alone) return lost(error, first.ref, reach.shown)
    }
  }
  try {
    await push([first], false)
    return others.length > 0 ? 'without' : 'pushed'
  } catch (error) {
    return lost(error, first.ref, reach.shown)
  }
}

function isNotAtomic(error: unknown): boolean {
  return error instanceof GitRefusal && /does not support --?atomic/i.test(error.output)
}

/** What `push --porcelain` says of a ref that was not updated: `!<tab>from:to<tab>[word] (why)`. */
function lineOf(error: unknown, ref: string): string | undefined {
  if (!(error instanceof GitRefusal)) return undefined
  return error.output.split('\n').find((line) => line.startsWith('!') && line.split('\t')[1]?.endsWith(`:${ref}`))
}

function lost(error: unknown, ref: string, shown: string): 'lost' {
  const line = lineOf(error, ref)
  if (line && lostRace.test(line)) return 'lost'
  if (!line || !refused.test(line)) throw error
  const why = /\(([^()]*)\)\s*$/.exec(line)?.[1] ?? 'no reason given'
  throw new AppError('GitPushRefused', `${shown}: the server refused the push: ${why.slice(0, 200)}`)
}
