// `npm run check [step …]`: types, format, lint, walls, dead code and unit tests; all of them or those that are named.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeViolations, type WallsReport } from './runner/walls.ts'

const root = resolve(fileURLToPath(new URL('..', import.meta.url)))

type Step = {
  name: string
  args: readonly string[] /** What its output says in the end; the exit code alone when left out. */
  judge?: (output: string) => string | undefined
}

/** Slow ones first, so that they do not run alone at the end. */
const steps: readonly Step[] = [
  { name: 'unit', args: ['vitest/vitest.mjs', 'run', '--project', 'unit'] },
  { name: 'types', args: ['ts7/bin/tsc', '--project', '.'] },
  { name: 'lint', args: ['oxlint/bin/oxlint', '--type-aware', '--quiet', ...folders()] },
  {
    name: 'walls',
    args: [
      'dependency-cruiser/bin/dependency-cruiser.mjs',
      '--output-type',
      'json',
      '--exclude',
      '[.]d[.]m?ts$',
      ...folders(),
    ],
    judge: (output) => describeViolations(JSON.parse(output) as WallsReport),
  },
  { name: 'format', args: ['@biomejs/biome/bin/biome', 'format'] },
  { name: 'dead-code', args: ['knip/bin/knip.js', '--no-progress', '--no-config-hints'] },
]

function folders(): string[] {
  return ['src', 'playground', 'test', 'bin']
}

process.exitCode = await main(process.argv.slice(2))

async function main(wanted: readonly string[]): Promise<number> {
  const unknown = wanted.filter((name) => !steps.some((step) => step.name === name))
  if (unknown.length > 0) {
    console.error(`no such step: ${unknown.join(', ')}; there are ${steps.map(({ name }) => name).join(', ')}`)
    return 64
  }
  const started = performance.now()
  const queue = steps.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  const count = queue.length
  const failed: string[] = []
  const worker = async () => {
    for (let step = queue.shift(); step; step = queue.shift()) if (!(await run(step))) failed.push(step.name)
  }
  await Promise.all(Array.from({ length: Math.max(2, Math.min(4, availableParallelism())) }, worker))
  const summary = failed.length > 0 ? `failed: ${failed.join(', ')}` : `${count} of ${count} passed`
  console.log(`${summary} (${seconds(started)})`)
  return failed.length > 0 ? 1 : 0
}

async function run({ name, args: [program = '', ...args], judge }: Step): Promise<boolean> {
  const started = performance.now()
  const { code, output } = await capture(join(root, 'node_modules', program), args)
  let failure = code === 0 ? undefined : output
  try {
    if (judge) failure = judge(output)
  } catch {
    failure = output
  }
  console.log(`${failure === undefined ? '✓' : '✗'} ${name.padEnd(10)} ${seconds(started)}`)
  if (failure !== undefined) console.log(failure.trimEnd())
  return failure === undefined
}

async function capture(program: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const env = { ...process.env, NO_COLOR: '1' }
  const child = spawn(process.execPath, [program, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  return await new Promise((done) => {
    child.once('error', (error) => done({ code: 1, output: error.message }))
    child.once('close', (code) => done({ code: code ?? 1, output }))
  })
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
