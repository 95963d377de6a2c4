import { AppError, toAppError } from '../../domain/error.ts'
import type { ImageAnswer } from '../../domain/image/answer.ts'
import { updateMessage } from '../../domain/image/message.ts'
import { readNote } from '../../domain/image/note.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { UpdateSpec } from '../../domain/work/update-spec.ts'
import { readKnownHead } from '../read-known-head.ts'
import { askForFetch, commitUpdate, obstacleOf } from './commit.ts'
import type { UpdateImagesDeps } from './deps.ts'
import { type Change, preparePolicies } from './prepare-policies.ts'
import { prepareRelease } from './prepare-release.ts'

type Asked = { jobId: string; update: UpdateSpec }
type Done = Pick<ImageAnswer, 'revision' | 'message' | 'result'>

/** How far back a commit of this very job is looked for (hazard A4). */
const lookBack = 500

/**
 * Does what somebody asked for: one commit, or none where nothing is to be done, which is a success. A job that was killed after its
 * push finds its commit by the note and does not make a second one.
 */
export async function runUpdate(
  spec: SourceSpec,
  { jobId, update }: Asked,
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<Done> {
  const prepare = update.type === 'policy' ? preparePolicies(spec, update, deps) : prepareRelease(spec, update, deps)
  const remote = await deps.sources.remote(spec, signal)
  await deps.git.fetch(remote, signal)
  const commit = await readBase(spec, deps, signal)
  if (update.type !== 'policy' && update.spec.Kind === 'plan') {
    const { result } = await prepare(commit, signal)
    return { revision: '', message: 'a dry run: nothing was committed', result }
  }
  const obstacle = obstacleOf(spec, deps)
  if (obstacle) throw new AppError('NotEditable', `${obstacle}: nothing can be committed`, { retry: 'never' })
  const landed = await findLanded(spec, { jobId, head: commit }, deps, signal)
  if (landed) {
    await askForFetch(spec, deps)
    await askForAutomation(spec, update, deps)
    return landed
  }
  let last: Change | undefined
  const result = await commitUpdate(
    spec,
    {
      user: update.cause.User,
      async prepare(base, until) {
        last = await prepare(base, until)
        const { edits } = last
        const message = updateMessage(update, last.result, deps.ciSkip)
        return { edits, message, note: { jobID: jobId, spec: update, result: last.result } }
      },
    },
    deps,
    signal,
  )
  const revision = result.result === 'pushed' ? result.commit : ''
  if (revision !== '') await askForAutomation(spec, update, deps)
  return { revision, message: revision === '' ? 'nothing to do' : '', result: last?.result ?? {} }
}

/** What was automated just now does not wait for the next scan (flux-v1 §19). */
async function askForAutomation(
  { namespace, name }: SourceSpec,
  update: UpdateSpec,
  { enqueue }: Pick<UpdateImagesDeps, 'enqueue'>,
): Promise<void> {
  if (update.type !== 'policy') return
  if (!Object.values(update.spec).some(({ add }) => add.automated === 'true')) return
  await enqueue({ kind: 'update-images', namespace, name, reason: 'workloads were automated', lane: 'image' })
}

async function findLanded(
  spec: SourceSpec,
  { jobId, head }: { jobId: string; head: string },
  { git, sources }: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<Done | undefined> {
  const remote = await sources.remote(spec, signal)
  const commits = (await git.log(remote, { to: head, limit: lookBack }, signal)).map(({ commit }) => commit)
  for (const [commit, text] of await git.notes(remote, { ref: spec.notesRef, commits }, signal)) {
    const note = readNote(text)
    if (note?.jobID === jobId) return { revision: commit, message: '', result: note.result }
  }
  return undefined
}

/** Where no commit is good the answer begins with the words that fluxd had for it, which scripts look for (flux-v1 §13). */
async function readBase(spec: SourceSpec, deps: UpdateImagesDeps, signal: AbortSignal): Promise<string> {
  try {
    return (await readKnownHead(spec, deps, signal)).commit
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (reason !== 'SignatureInvalid') throw error
    throw new AppError('SignatureInvalid', `HEAD revision is unsigned: ${message}`, { cause: error })
  }
}
