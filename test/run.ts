// `npm test [-- filter …]`: installs the tools, runs unit tests and those on the real outside, and says in its last line how
// it went. `--all`, or CI in the environment: a skipped test counts as a failure.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testTools } from '../playground/stack/binaries.ts'
import { explainMissing } from '../playground/tools/explain.ts'
import { installTools, type Missing } from '../playground/tools/install.ts'
import { endWhenStuck } from './runner/end-when-stuck.ts'
import { judge, type VitestReport } from './runner/report.ts'

const root = resolve(fileURLToPath(new URL('..', import.meta.url)))
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')

/** Of vitest.config.ts: those that need the tools. */
const outside = ['real', 'operator']

/** After a SIGINT that only reached us. */
const interruptMs = 3_000
/** From its report to its end, vitest takes some seconds. */
const endMs = 60_000

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  const args = argv.filter((arg) => arg !== '--all')
  const missing = await findMissing()
  const projects = missing.length > 0 ? ['unit'] : ['unit', ...outside]
  const { exitCode, report } = await runTests(projects, args)
  const notRun = missing.length > 0 ? await countNotRun(args) : 0
  const strict = args.length < argv.length || Boolean(process.env.CI)
  const { table, counts, failed } = judge({ report, exitCode, notRun, strict, root })
  console.log(`\n${table}\n`)
  if (missing.length > 0) {
    const names = missing.map(({ tool }) => tool.name).join(', ')
    console.log(`skipped: ${notRun} (no ${names}; how to get it:)\n${explainMissing(missing)}\n`)
  }
  // Alone on the last line: programs read it.
  console.log(counts)
  return failed ? 1 : 0
}

function named(projects: readonly string[]): string[] {
  return projects.map((name) => `--project=${name}`)
}

async function findMissing(): Promise<Missing[]> {
  if (process.env.CAPSTAN_TEST_STACK) return []
  const { missing } = await installTools(testTools, { report: (line) => console.log(line) })
  return missing
}

async function runTests(
  projects: readonly string[],
  args: readonly string[],
): Promise<{ exitCode: number; report: VitestReport | undefined }> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-report-'))
  const file = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  try {
    const { exitCode } = await runVitest(['run', ...named(projects), ...reporters, ...args], { reportFile: file })
    const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as VitestReport) : undefined
    return { exitCode, report }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** How many tests on the real outside these filters name: read from their text, nothing is run. */
async function countNotRun(args: readonly string[]): Promise<number> {
  // --json stands last: it would take a filter for the file to write to.
  const { output } = await runVitest(['list', ...named(outside), ...args, '--json'], { quiet: true })
  try {
    return (JSON.parse(output.slice(output.indexOf('['))) as unknown[]).length
  } catch {
    return 0
  }
}

async function runVitest(
  args: readonly string[],
  { quiet = false, reportFile }: { quiet?: boolean; reportFile?: string } = {},
): Promise<{ exitCode: number; output: string }> {
  const child = spawn(process.execPath, [vitest, ...args], {
    cwd: root,
    stdio: ['inherit', quiet ? 'pipe' : 'inherit', 'inherit'],
  })
  if (reportFile) endWhenStuck(child, { reportFile, graceMs: endMs, report: (text) => console.error(`\n${text}`) })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  // Ctrl-C at a terminal reaches vitest by itself, and a second one would keep it from ending what it started.
  process.on('SIGINT', () => setTimeout(() => child.kill('SIGTERM'), interruptMs).unref())
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return await new Promise((done) => {
    child.once('error', (error) => done({ exitCode: 1, output: error.message }))
    child.once('close', (code) => done({ exitCode: code ?? 1, output }))
  })
}
