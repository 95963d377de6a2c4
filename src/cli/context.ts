import type { Client } from '../api/client.ts'
import type { Output, Style } from './print/style.ts'
import type { ExitCode } from './exit.ts'

/** What every command works with. */
export type Context = {
  /** Finds the server at its first call. */
  client: () => Client
  out: Output
  err: Output
  style: Style
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
  /** Rejects when the signal is aborted. */
  pause: (ms: number) => Promise<void>
}

/** A command's work; the exit code is its answer. */
export type Action<Options> = (context: Context, options: Options) => Promise<ExitCode>

export type OutputFormat = 'table' | 'json'
