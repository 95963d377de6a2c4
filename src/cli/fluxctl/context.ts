import type { Output } from '../print/style.ts'
import type { FluxApi } from './api.ts'
import type { Values } from './flag.ts'

/** What every verb works with. */
export type VerbContext = {
  flags: Values
  /** Words that are no flags. */
  words: readonly string[]
  api: FluxApi
  out: Output
  err: Output
  /** `-n`, else that of the kubeconfig's context, else `default`. */
  namespace: () => Promise<string>
  /** `--user`, else who commits here by git's configuration; may be empty. */
  author: () => Promise<string>
  /** `--timeout`. */
  timeoutMs: number
  signal: AbortSignal
  /** Unix milliseconds. */
  now: () => number
  pause: (ms: number) => Promise<void>
}

/** A verb's work; it throws what ends it. */
export type Verb = (context: VerbContext) => Promise<void>
