import { relative, sep } from 'node:path'

/** What of vitest's JSON report is read. */
export type VitestReport = {
  testResults: readonly {
    /** Absolute path of the file. */
    name: string
    status: string
    startTime: number
    endTime: number
    assertionResults: readonly { status: string }[]
  }[]
}

export type Verdict = {
  /** A table of suites with their times. */
  table: string
  /** `N passed, N failed, N skipped` */
  counts: string
  failed: boolean
}

export type VerdictInput = {
  /** Undefined when vitest ended before it could write one. */
  report: VitestReport | undefined
  /** Of vitest. */
  exitCode: number
  /** Tests that were left out because something they need is missing. */
  notRun: number
  /** A skipped test counts as a failure. */
  strict: boolean
  root: string
}

type Suite = { name: string; passed: number; failed: number; skipped: number; ms: number }

/** What a whole run amounts to. It failed when a test failed, when vitest says so, and when nothing ran. */
export function judge({ report, exitCode, notRun, strict, root }: VerdictInput): Verdict {
  const suites = new Map<string, Suite>()
  for (const file of report?.testResults ?? []) {
    const name = suiteOf(relative(root, file.name))
    const suite = suites.get(name) ?? { name, passed: 0, failed: 0, skipped: 0, ms: 0 }
    suites.set(name, suite)
    suite.ms += Math.max(0, file.endTime - file.startTime)
    const count = (...wanted: string[]) => file.assertionResults.filter(({ status }) => wanted.includes(status)).length
    const failed = count('failed')
    suite.passed += count('passed')
    suite.skipped += count('skipped', 'pending', 'todo', 'disabled')
    // A file that cannot be loaded, or whose set-up fails, has no failed test but is one.
    suite.failed += failed === 0 && file.status === 'failed' ? 1 : failed
  }
  const list = [...suites.values()]
  const total = (key: 'passed' | 'failed' | 'skipped') => list.reduce((sum, suite) => sum + suite[key], 0)
  const passed = total('passed')
  const skipped = total('skipped') + notRun
  const failed = Math.max(total('failed'), exitCode === 0 ? 0 : 1)
  return {
    table: tableOf(list.toSorted((a, b) => b.ms - a.ms)),
    counts: `${passed} passed, ${failed} failed, ${skipped} skipped`,
    failed: failed > 0 || passed === 0 || (strict && skipped > 0),
  }
}

/** `src/domain`, `test/e2e`, `playground`: the floor that a file is on. */
function suiteOf(path: string): string {
  return path
    .split(sep)
    .slice(0, path.startsWith('playground') ? 1 : 2)
    .join('/')
}

function tableOf(suites: readonly Suite[]): string {
  const rows = suites.map(({ name, passed, failed, skipped, ms }) => [
    name,
    `${passed}`,
    `${failed}`,
    `${skipped}`,
    `${(ms / 1000).toFixed(1)} s`,
  ])
  const table = [['suite', 'passed', 'failed', 'skipped', 'time'], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  const line = (row: readonly string[]) =>
    row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('  ')
  return table.map(line).join('\n')
}
