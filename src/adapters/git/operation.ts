import type { Command } from './command.ts'
import type { Reach } from './remote.ts'

/** One operation on one mirror. `git` and `signal` end with its deadline or with the caller's abort. */
export type Operation = { reach: Reach; gitDir: string; home: string; git: Command; signal: AbortSignal }
