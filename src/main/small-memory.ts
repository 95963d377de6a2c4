/**
 * What keeps `capstan run` small. Node grows its heap to several times of what lives in it before it cleans up, and neither V8 nor
 * malloc gives pages back: a first sync of 10,000 objects, of which 75 MB live, stood at 600 MB for ever. Measured with these:
 * about a third (docs/benchmarks.md).
 */
const nodeFlags = ['--max-semi-space-size=8', '--heap-growing-percent=30']
const mallocSettings = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' }

/**
 * Begins this very process (same pid, same files and signals) again with those settings, unless it has them. Where Node cannot do
 * that (before 22.15, or not on Linux and macOS) it goes on as it is. Call it before anything is opened.
 */
export function beginSmall(): void {
  const { execArgv, argv, execPath, env } = process
  if (execArgv.some((flag) => flag.startsWith('--heap-growing-percent')) || !process.execve) return
  const emitWarning = process.emitWarning.bind(process)
  // it calls itself experimental on standard error
  process.emitWarning = () => {}
  try {
    process.execve(execPath, [execPath, ...execArgv, ...nodeFlags, ...argv.slice(1)], { ...mallocSettings, ...env })
  } catch {
    // larger, and otherwise the same
    process.emitWarning = emitWarning
  }
}
