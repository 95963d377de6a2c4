import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { AppError, toAppError } from '../../domain/error.ts'
import { fetchInto } from './clone.ts'
import { pushCommits } from './commit.ts'
import type { Mirrors } from './mirror.ts'
import type { NewNote, Note } from './notes.ts'
import { checkRefName } from './ref-name.ts'
import { resolveRef } from './refs.ts'
import type { GitRemote } from './remote.ts'
import { type NewCommit, writeCommit } from './write-commit.ts'

/** A change of a branch, decided anew on each state that the branch is found in. */
export type BranchChange = {
  branch: string
  /**
   * What to commit on top of `base`, a commit of the mirror that may be one of ours on its way; undefined for nothing. Asked again
   * when the branch has moved. It reads by commit and never by branch, and fetches nothing.
   */
  make(base: string, signal: AbortSignal): Promise<(NewCommit & { note?: Note }) | undefined>
}

/** `base`: the state of the branch that was found to need nothing. */
export type ChangeResult = { result: 'pushed'; commit: string } | { result: 'empty'; base: string }

/** Changes branches; see {@link createBranchChanges}. */
export type ChangeBranch = (remote: GitRemote, change: BranchChange, signal?: AbortSignal) => Promise<ChangeResult>

type Waiting = {
  change: BranchChange
  signal: AbortSignal
  resolve(result: ChangeResult): void
  reject(error: unknown): void
}

/** Who got a commit in a try. */
type Made = { waiting: Waiting; commit: string; notes: readonly NewNote[] }

/** A branch that moves under us is fetched and changed again so often (hazard D8). */
const tries = 8
const firstPauseMs = 100
const longestPauseMs = 5_000
/** Pushed together at the most: the notes and the log of a commit stay readable. */
const mostTogether = 50

/** All that this process wants of one branch. */
type Lane = { remote: GitRemote; branch: string; queue: Waiting[] }

/**
 * One writer a branch in this process: what is asked for while a push is on its way waits, and is then pushed together, each change as a
 * commit of its own on top of the one before. Who loses the race against another process fetches and decides again (hazard D8); after
 * eight times it is GitConflict.
 */
export function createBranchChanges(mirrors: Mirrors, nameOf: (remote: GitRemote) => string): ChangeBranch {
  const lanes = new Map<string, Lane>()

  async function drain(key: string, lane: Lane): Promise<void> {
    let tip: string | undefined
    while (lane.queue.length > 0) {
      tip = await land(lane, tip, mirrors)
      // those who were answered may want more at once
      await setImmediate()
    }
    lanes.delete(key)
  }

  return async (remote, change, signal = new AbortController().signal) => {
    checkRefName(change.branch)
    signal.throwIfAborted()
    const key = `${nameOf(remote)} ${change.branch}`
    return await new Promise((resolve, reject) => {
      const waiting = { change, signal, resolve, reject }
      const known = lanes.get(key)
      if (known) {
        known.queue.push(waiting)
        return
      }
      const lane = { remote, branch: change.branch, queue: [waiting] }
      lanes.set(key, lane)
      void drain(key, lane)
    })
  }
}

/**
 * Answers those that wait, as many as fit into one push. `tip`: where the branch was after the last push a moment ago; the lease tells
 * when it is not there any more. Gives where it is now, if that is known.
 */
async function land(lane: Lane, tip: string | undefined, mirrors: Mirrors): Promise<string | undefined> {
  let left: Waiting[] = []
  let known = tip
  try {
    for (let attempt = 1; ; attempt++) {
      const started = performance.now()
      const isFresh = known === undefined
      const base = known ?? (await fetchBranch(lane, mirrors))
      known = undefined
      left.push(...lane.queue.splice(0, mostTogether - left.length))
      const made = await makeCommits(lane.remote, left, { base, isFresh }, mirrors)
      // no push would tell that this is not the newest state
      if (made === 'nothing') continue
      left = made.map(({ waiting }) => waiting)
      if (left.length === 0) return base
      if (await push(lane, { base, made }, mirrors)) {
        for (const { waiting, commit } of made) waiting.resolve({ result: 'pushed', commit })
        return made.at(-1)?.commit
      }
      if (attempt >= tries)
        throw new AppError('GitConflict', `${lane.branch} moved ${tries} times while it was changed`)
      // as long as a try takes, too: others want to get through in that time
      const pause = Math.max(firstPauseMs * 2 ** (attempt - 1), performance.now() - started)
      await sleep(Math.min(pause, longestPauseMs) * (0.5 + Math.random()))
    }
  } catch (error) {
    await giveUp(lane, left, error, mirrors)
    return undefined
  }
}

/** One of several may be what the server will not have: then each goes alone. Where even the fetch failed, nobody got further. */
async function giveUp(lane: Lane, left: readonly Waiting[], error: unknown, mirrors: Mirrors): Promise<void> {
  if (left.length > 1 && toAppError(error).reason === 'GitPushRefused') {
    for (const waiting of left) await land({ ...lane, queue: [waiting] }, undefined, mirrors)
    return
  }
  for (const waiting of left.length > 0 ? left : lane.queue.splice(0)) waiting.reject(error)
}

async function fetchBranch({ remote, branch }: Lane, mirrors: Mirrors): Promise<string> {
  return await mirrors.change(remote, async ({ git, reach, signal }) => {
    await fetchInto(git, reach, signal)
    return await resolveRef(git, `refs/heads/${branch}`)
  })
}

/**
 * Each on top of the one before. Who fails, was aborted or has nothing to do is answered here; `nothing`: that somebody has nothing to
 * do, or cannot, was found on a state that may be old.
 */
async function makeCommits(
  remote: GitRemote,
  all: readonly Waiting[],
  { base, isFresh }: { base: string; isFresh: boolean },
  mirrors: Mirrors,
): Promise<Made[] | 'nothing'> {
  const made: Made[] = []
  for (const waiting of all) {
    const tip = made.at(-1)?.commit ?? base
    try {
      waiting.signal.throwIfAborted()
      const wanted = await waiting.change.make(tip, waiting.signal)
      const commit = wanted && (await mirrors.read(remote, ({ git }) => writeCommit(git, tip, wanted), waiting.signal))
      if (commit === undefined && !isFresh) return 'nothing'
      if (commit === undefined) waiting.resolve({ result: 'empty', base: tip })
      else made.push({ waiting, commit, notes: notesOf(wanted, commit) })
    } catch (error) {
      if (!isFresh) return 'nothing'
      waiting.reject(error)
    }
  }
  return made
}

function notesOf(wanted: (NewCommit & { note?: Note }) | undefined, commit: string): NewNote[] {
  return wanted?.note ? [{ ...wanted.note, commit, by: wanted.committer ?? wanted.author }] : []
}

async function push(
  { remote, branch }: Lane,
  { base, made }: { base: string; made: readonly Made[] },
  mirrors: Mirrors,
): Promise<boolean> {
  const notes = made.flatMap((one) => one.notes)
  const to = made.at(-1)?.commit ?? base
  return await mirrors.change(remote, (operation) => pushCommits(operation, { branch, from: base, to, notes }))
}
