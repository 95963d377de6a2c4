import { type ChildProcess, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/**
 * Ends a vitest that has written its report and does not end by itself `graceMs` later: it waits without limit for the output of its
 * workers to end, which a process that a test left behind may hold. Says why through `report`. The test run counts as failed.
 */
export function endWhenStuck(
  child: ChildProcess,
  { reportFile, graceMs, report }: { reportFile: string; graceMs: number; report: (text: string) => void },
): void {
  let writtenAt: number | undefined
  const timer = setInterval(() => {
    if (!existsSync(reportFile)) return
    writtenAt ??= performance.now()
    if (performance.now() - writtenAt < graceMs) return
    clearInterval(timer)
    report(
      `vitest has not ended ${graceMs / 1000} s after its report and is ended now: a process that a test left running holds the output of a worker.\nIn which file, vitest says above; these have no parent:\n${orphans()}`,
    )
    child.kill('SIGTERM')
  }, 100)
  timer.unref()
  child.once('exit', () => clearInterval(timer))
}

/** Names alone: the arguments of other people's programs are nothing for a log. */
function orphans(): string {
  const [head = '', ...lines] = execFileSync('ps', ['-eo', 'ppid,pid,etime,comm'], { encoding: 'utf8' }).split('\n')
  return [head, ...lines.filter((line) => /^ +1 /.test(line))].join('\n')
}
