import type { Client } from '../api/client.ts'
import type { FluxApi } from './fluxctl/api.ts'
import type { ProgressLine } from './print/progress.ts'
import type { Output, Style } from './print/style.ts'
import type { ExitCode } from './exit.ts'

/** What every command works with. */
export type Context = {
  /** Finds the server at its first call. */
  client: () => Client
  /** The API of fluxd at the same server. */
  flux: () => FluxApi
  out: Output
  err: Output
  style: Style
  /** What is waited for, at a terminal. */
  progress: ProgressLine
  /** Opens a link where there is a browser; false when it could not. Left out where there is no display. */
  openInBrowser?: (link: string) => Promise<boolean>
  /** Version of this program. */
  version: string
  /** Who asks, shown to others. */
  user: string
  /** Aborted by Ctrl-C. */
  signal: AbortSignal
  /** Unix milliseconds. */
  now: () => number
  /** Rejects when the signal is aborted, or the one that is given in its place. */
  pause: (ms: number, until?: AbortSignal) => Promise<void>
}

/** A command's work; the exit code is its answer. */
export type Action<Options> = (context: Context, options: Options) => Promise<ExitCode>

export type OutputFormat = 'table' | 'json'

/** Forms of what is listed. */
export type ListFormat = 'table' | 'wide' | 'json' | 'yaml' | 'name'
