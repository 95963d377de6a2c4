import { AppError } from '../../domain/error.ts'
import type { ChangeBranch } from './change-branch.ts'
import type { CommitResult } from './commit.ts'
import type { GitRemote } from './remote.ts'
import type { TagMove } from './tag.ts'

type Pushing = {
  commitAndPush(...args: never): Promise<CommitResult>
  changeBranch: ChangeBranch
  moveTag(remote: GitRemote, move: TagMove, signal?: AbortSignal): Promise<'moved' | 'lost'>
  canWrite(...args: never): Promise<void>
}

/** Git with every push refused as `ReadOnly` before anything is sent or committed. */
export function readOnly<G extends Pushing>(git: G): G {
  return {
    ...git,
    commitAndPush: async () => refuse('nothing is committed'),
    changeBranch: async () => refuse('nothing is committed'),
    moveTag: async (_remote: GitRemote, { tag }: TagMove) => refuse(`the tag ${tag} is not moved`),
    canWrite: async () => refuse('nothing is pushed, not even to try'),
  }
}

function refuse(what: string): never {
  throw new AppError('ReadOnly', `${what}: this Capstan was started with --read-only`, { retry: 'never' })
}
