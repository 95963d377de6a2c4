import type { Git } from '../adapters/git/index.ts'
import { toAppError } from '../domain/error.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Sources } from './fetch-source.ts'

/** The branch as last fetched; a process whose mirror has never seen it fetches. Throws GitRefNotFound and what a fetch throws. */
export async function readHead(
  spec: SourceSpec,
  deps: { sources: Pick<Sources, 'remote'>; git: Pick<Git, 'fetch' | 'resolve'> },
  signal: AbortSignal,
): Promise<string> {
  const remote = deps.sources.remote(spec)
  try {
    return await deps.git.resolve(remote, spec.branch, signal)
  } catch (error) {
    if (toAppError(error).reason !== 'GitRefNotFound') throw error
    await deps.git.fetch(remote, signal)
    return await deps.git.resolve(remote, spec.branch, signal)
  }
}
