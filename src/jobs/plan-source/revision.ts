import type { Git, GitRemote, TreeFile } from '../../adapters/git/index.ts'
import { printRight, rightsToSeeWhole } from '../../domain/access/right.ts'
import { AppError, toAppError } from '../../domain/error.ts'
import { mayPropose, reachOf } from '../../domain/source/proposal.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Request } from '../../domain/work/request.ts'
import { readFollowed } from '../read-head.ts'
import type { Requests } from '../requests.ts'
import type { SyncSourceDeps } from '../sync-source/sync.ts'
import { looksSealed, type Sealed } from './sealed.ts'
import { type Gunzip, openUpload } from './upload.ts'

/** What is compared with the cluster: a source that follows one commit, and what reads it. */
export type Compared = { spec: SourceSpec; deps: SyncSourceDeps; revision: string; sealed?: Sealed }

type Ask = Extract<Request['ask'], { kind: 'plan-source' }>

const noCommit = '0'.repeat(40)

/**
 * Finds what a plan is about: the uploaded folder, a commit, tag or branch, or what the source follows, fetched now. Throws
 * GitRefNotFound, InvalidUpload, NotFollowed and what a fetch throws.
 */
export async function findCompared(
  { spec, ask, id }: { spec: SourceSpec; ask: Ask; id: string },
  deps: SyncSourceDeps & { requests: Pick<Requests, 'files'>; gunzip: Gunzip },
  signal: AbortSignal,
): Promise<Compared> {
  if (ask.files && !mayPropose(ask.seen, spec)) throw notFollowed('An uploaded folder', spec)
  if (ask.files) return await uploaded(spec, id, deps)
  const remote = await deps.sources.remote(spec, signal)
  if (ask.ref === '') {
    await deps.git.fetch(remote, signal)
    return { spec, deps, revision: '' }
  }
  const commit = await resolve(
    ask.ref,
    () => deps.git.resolve(remote, ask.ref, signal),
    async () => {
      await deps.git.fetch(remote, signal)
    },
  )
  if (!mayPropose(ask.seen, spec) && !(await isFollowed({ spec, remote, commit }, deps.git, signal)))
    throw notFollowed(ask.ref, spec)
  const name = ask.ref === commit ? 'commit' : ask.ref
  return { spec: at(spec, commit), deps, revision: `${name}@${commit}` }
}

/** A whole commit id needs no fetch where it is known; a name may have moved. */
async function resolve(ref: string, find: () => Promise<string>, fetch: () => Promise<void>): Promise<string> {
  if (!/^[0-9a-f]{40}$/.test(ref)) {
    await fetch()
    return await find()
  }
  try {
    return await find()
  } catch (error) {
    if (toAppError(error).reason !== 'GitRefNotFound') throw error
    await fetch()
    return await find()
  }
}

/** Whether the source is at a commit or came by it. What was merged a moment ago counts. */
async function isFollowed(
  { spec, remote, commit }: { spec: SourceSpec; remote: GitRemote; commit: string },
  git: SyncSourceDeps['git'],
  signal: AbortSignal,
): Promise<boolean> {
  const isBehind = async (): Promise<boolean> => {
    const head = await readFollowed(spec, remote, git, signal)
    return (await git.relation(remote, commit, head.commit, signal)) !== 'rewritten'
  }
  if (await isBehind()) return true
  await git.fetch(remote, signal)
  return await isBehind()
}

function at(spec: SourceSpec, commit: string): SourceSpec {
  return { ...spec, ref: { kind: 'commit', value: commit } }
}

/** Whoever wrote it chose the objects that would be looked at, with rights that whoever asked may not have. */
function notFollowed(what: string, spec: SourceSpec): AppError {
  const source = `${spec.namespace}/${spec.name}`
  const rights = rightsToSeeWhole(reachOf(spec)).map(printRight).join(' and ')
  return new AppError('NotFollowed', `${what} is not what source ${source} follows; to compare it takes ${rights}.`, {
    retry: 'never',
  })
}

/**
 * An upload is not trusted: no generator, no kustomize, no decryption (W7): who may ask for plans could have any file opened. A source
 * that is built cannot be compared; files that are encrypted are named.
 */
async function uploaded(
  spec: SourceSpec,
  id: string,
  deps: SyncSourceDeps & { requests: Pick<Requests, 'files'>; gunzip: Gunzip },
): Promise<Compared> {
  const bytes = await deps.requests.files(id)
  if (!bytes) throw refused('it is gone; send it again')
  const files = await openUpload(bytes, deps.gunzip)
  const tree = await files.tree({ url: '' }, noCommit, [])
  const isBuilt = spec.render !== 'plain' && tree.some(({ path }) => /(?:^|\/)kustomization\.ya?ml$/.test(path))
  if (spec.generate || spec.render === 'kustomize' || isBuilt) {
    throw refused('this source is built by generators or kustomize, which are not run on uploaded files')
  }
  const git = { ...deps.git, ...files, resolve: async () => noCommit }
  const render: SyncSourceDeps['render'] = async () => ({
    plainPaths: undefined,
    outputs: [],
    problems: [],
    warnings: [],
  })
  const plain = { generate: false, render: 'plain', sops: false, gitSecret: false, verify: 'none' } as const
  const sealed = spec.sops ? await sealedOf(tree, files) : new Set<string>()
  return { spec: { ...at(spec, noCommit), ...plain }, deps: { ...deps, git, render }, revision: 'upload', sealed }
}

async function sealedOf(tree: readonly TreeFile[], files: Pick<Git, 'read'>): Promise<Sealed> {
  const contents = await files.read(
    { url: '' },
    tree.map(({ blob }) => blob),
  )
  const isSealed = ({ blob }: TreeFile) => looksSealed(new TextDecoder().decode(contents.get(blob)))
  return new Set(tree.filter(isSealed).map(({ path }) => path))
}

function refused(why: string): AppError {
  return new AppError('InvalidUpload', `The uploaded folder cannot be compared: ${why}.`, { retry: 'never' })
}
