import type { GitRemote } from '../adapters/git/index.ts'
import type { SourceSpec } from '../domain/source/spec.ts'

/** The sources of this Capstan and how to reach each repository. */
export type Sources = {
  list(): readonly SourceSpec[]
  get(namespace: string, name: string): SourceSpec | undefined
  /** Reads the credentials; throws GitAuthFailed where a Secret that is named cannot be used. */
  remote(spec: SourceSpec, signal?: AbortSignal): Promise<GitRemote>
}
