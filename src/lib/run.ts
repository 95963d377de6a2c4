/** One child process. No shell ever; the environment is exactly `env` (nothing is inherited). */
export type RunRequest = {
  /** Name on PATH or absolute path. */
  command: string
  args: readonly string[]
  /** The whole environment of the child. PATH and HOME must be given if the child needs them. */
  env: Readonly<Record<string, string>>
  cwd?: string
  /** Written to standard input, then closed. */
  input?: string | Uint8Array
  /** What {@link filterScript} reads in the child, or in a program that this one starts, goes through this once. */
  filter?: Filter
  /** After this many milliseconds the whole process group gets SIGTERM, then SIGKILL `killAfterMs` later. */
  timeoutMs: number
  /** From SIGTERM to SIGKILL, also where `signal` ends it. Default 5 s. */
  killAfterMs?: number
  /** Standard output beyond this many bytes ends the process with `tooMuchOutput`. Default 10 MiB. */
  maxOutputBytes?: number
  signal?: AbortSignal
  /** Standard output is no text: it is given as `bytes`. */
  isBinary?: boolean
  /** What the child may use at most, where the system has a tool to say so. */
  limits?: RunLimits
}

/** Beyond these the kernel refuses or kills. A child with limits writes no core dump either. */
export type RunLimits = {
  /** Private memory in bytes, as RLIMIT_DATA counts it: what V8 and Go only reserve is partly in it (W21). */
  dataBytes: number
  /** Seconds on the processors, all threads together. */
  cpuSeconds: number
}

/** How it ended. A non-zero exit is a result, not an exception: the caller knows what it means. */
export type RunResult = {
  exitCode: number | undefined
  stdout: string
  /** Standard output of a request that is binary; `stdout` is then empty. */
  bytes?: Uint8Array
  /** Redacted, cut to 64 KiB. */
  stderr: string
  /** `outOfMemory`: we ended it, since memory was short; `stderr` says so. */
  ended: 'exit' | 'timeout' | 'aborted' | 'tooMuchOutput' | 'notFound' | 'killed' | 'outOfMemory'
  durationMs: number
}

/** The only way to start a process (adapters/process makes it). Never rejects for what the child does. */
export type Run = (request: RunRequest) => Promise<RunResult>

/**
 * For `/bin/sh -c SCRIPT END` in a child whose request has a filter: standard input goes to us by descriptor 3, then a zero byte and
 * `END`; a line with the length of our answer and the answer come back, and a last line when the script has read so much. Only then it ends
 * well: otherwise a text that was cut short by our death would pass for a whole one. The last line waits to be asked for, since a `head`
 * may read on beyond its bytes.
 */
export const filterScript =
  'cat >&3 && printf "\\0%s" "$0" >&3 && read -r size <&3 && head -c "$size" <&3 && printf . >&3 && read -r end <&3 && [ "$end" = end ]'

/** `end`: words that the text cannot hold, since nobody knows them before, as a UUID. A throw makes the script fail. */
export type Filter = { end: string; edit: (text: string) => string }
