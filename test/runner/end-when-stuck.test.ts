import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { endWhenStuck } from './end-when-stuck.ts'

const folders: string[] = []
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })))

/** How a program ended that writes its report and then runs `program`, and what was said about it. */
async function runFor(program: string, graceMs: number) {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-stuck-'))
  folders.push(folder)
  const reportFile = join(folder, 'report.json')
  const write = `require('node:fs').writeFileSync(${JSON.stringify(reportFile)}, '{}')`
  const child = spawn(process.execPath, ['-e', `${write};${program}`])
  const said: string[] = []
  endWhenStuck(child, { reportFile, graceMs, report: (text) => said.push(text) })
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  return { code, signal, said }
}

it('ends what does not end by itself, and says what has no parent', async () => {
  const { signal, said } = await runFor('setInterval(() => {}, 1000)', 1)
  expect(signal).toBe('SIGTERM')
  expect(said).toEqual([expect.stringMatching(/not ended 0.001 s after its report[^]*PPID/)])
})

it('leaves alone what ends in time', async () => {
  expect(await runFor('process.exitCode = 3', 60_000)).toEqual({ code: 3, signal: null, said: [] })
})
