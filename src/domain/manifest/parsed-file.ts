import type { Ancestor } from './ancestor.ts'
import type { KubeObject } from './object.ts'
import type { Problem } from './problem.ts'

/** One object of a file: what a sync compares, and the whole of it as text until it must be sent. */
export type ParsedObject = {
  /** apiVersion, kind, metadata (name, namespace, policy annotations); the whole object for definitions. */
  head: KubeObject
  /** 1-based line of the object's first key. */
  line: number
  /** Digest of the whole manifest. */
  digest: string
  /** It runs a program that Capstan takes the place of. */
  ancestor?: Ancestor
  /** The whole manifest as JSON; integers beyond 2^53 stand in it exactly. */
  body: string
}

/** What one file holds. */
export type ParsedFile = { objects: ParsedObject[]; problems: Problem[]; warnings: Problem[] }

/**
 * Reads files as kubectl would, away from this process' own thread and memory (hazard G1, W16). One answer per file, in order; a
 * file that cannot be read within the limits is a problem of its own and loses no other. Rejects with the signal's reason, or with InternalError
 * when nothing can be parsed at all because no such process comes up. `isPatch`: annotations and labels that are null stay so, since they
 * take away what the object has.
 */
export type ParseFiles = (
  files: readonly { path: string; bytes: Uint8Array; isPatch?: boolean }[],
  signal: AbortSignal,
) => Promise<ParsedFile[]>
