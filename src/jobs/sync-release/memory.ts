import type { Definition } from '../../domain/release/definition.ts'

/** What one process remembers between runs. All of it may be lost: it saves requests and keeps secrets known. */
export type ReleaseMemory = {
  /** helm releases that a run of this process works on, as `namespace/release`. */
  active: Set<string>
  /** Per HelmRelease: makes the redactor forget the secrets of its values. */
  secrets: Map<string, () => void>
  /** Commits of chart refs, by URL, login and ref, and the time of the fetch that they come from. */
  commits: Map<string, { commit: string; fetchedAt: number }>
  /** Fetches of chart repositories that are under way, by URL and login. */
  fetching: Map<string, Promise<void>>
  /** Per HelmRelease: how often in a row chart or values could not be had. */
  failures: Map<string, number>
  definition?: { words: Definition; readAt: number }
}

export function createReleaseMemory(): ReleaseMemory {
  return { active: new Set(), secrets: new Map(), commits: new Map(), fetching: new Map(), failures: new Map() }
}

/** The memory that was handed in, or one that is made with the first run. */
export function memoryOf(deps: { memory?: ReleaseMemory }): ReleaseMemory {
  deps.memory ??= createReleaseMemory()
  return deps.memory
}
