import { AppError } from '../../domain/error.ts'
import type { Git } from './index.ts'

/** Git with every push refused as `ReadOnly` before anything is sent or committed. */
export function readOnly(git: Git): Git {
  return {
    ...git,
    commitAndPush: async () => refuse('nothing is committed'),
    moveTag: async (_remote, { tag }) => refuse(`the tag ${tag} is not moved`),
    canWrite: async () => refuse('nothing is pushed, not even to try'),
  }
}

function refuse(what: string): never {
  throw new AppError('ReadOnly', `${what}: this Capstan was started with --read-only`, { retry: 'never' })
}
