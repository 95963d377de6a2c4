import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { identify, isAlive } from '../../playground/stack/identity.ts'
import { createSupervisor, endLeftovers, type Supervisor } from '../../playground/stack/supervisor.ts'
import { until } from '../../playground/stack/until.ts'

let directory: string
let changes: number
let supervisor: Supervisor

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'capstan-supervise-'))
  changes = 0
  supervisor = createSupervisor({ directory, onChange: () => changes++ })
})
afterEach(async () => {
  await supervisor.stopAll({ graceMs: 100 })
  rmSync(directory, { recursive: true, force: true })
})

function startShell(script: string, name = 'shell') {
  return supervisor.start({ name, command: 'sh', args: ['-c', script] })
}

/** The pid that a script wrote into a file of the folder. */
async function readPid(file: string): Promise<number> {
  return await until(file, async () => Number(readFileSync(join(directory, file), 'utf8')))
}

it('starts a dead program again, and says so', async () => {
  const program = startShell('sleep 60')
  const before = program.pid()
  program.signal('SIGKILL')
  await until('a new process', async () => program.restarts() === 1 && program.pid() !== before)
  expect(program.lastEnd()).toBe('SIGKILL')
  expect(changes).toBe(2)
})

it('goes on trying when a program does not stay up', async () => {
  const program = startShell('exit 7')
  await until('three starts', async () => program.restarts() >= 2)
  expect(program.lastEnd()).toBe('exit 7')
})

it('says that a program does not exist, and does not fall over it', async () => {
  const program = supervisor.start({ name: 'none', command: '/no/such/program', args: [] })
  await until('its end', async () => program.lastEnd())
})

it('writes what a program prints into its log', async () => {
  const program = startShell('echo out; echo err >&2; sleep 60')
  await until('both lines', async () => readFileSync(program.logFile, 'utf8') === 'out\nerr\n')
})

it('ends what a dead program left behind in its group', async () => {
  const program = startShell(`sleep 600 & echo $! > ${directory}/child; wait`)
  const child = identify(await readPid('child'))
  if (!child) throw new Error('the child is not there')
  program.signal('SIGKILL')
  await until('the end of the child', async () => !isAlive(child))
})

it('kills a program that does not listen to SIGTERM, and its children, after the grace', async () => {
  const program = startShell(`trap '' TERM; sleep 600 & echo $! > ${directory}/child; while :; do sleep 1; done`)
  const child = identify(await readPid('child'))
  if (!child) throw new Error('the child is not there')
  await program.stop(300)
  await until('the end of the child', async () => !isAlive(child))
  expect(program.pid()).toBeUndefined()
})

it('ends what a killed supervisor had left, and nobody else under the same pid', async () => {
  const program = startShell('sleep 60')
  const left = identify(program.pid() ?? 0)
  const self = identify(process.pid)
  if (!left || !self) throw new Error('no identity')
  const other = mkdtempSync(join(tmpdir(), 'capstan-ledger-'))
  writeFileSync(join(other, 'processes.json'), JSON.stringify([left, { ...self, started: 'long ago' }]))
  expect(await endLeftovers(other)).toBe(1)
  expect(isAlive(left)).toBe(false)
  expect(await endLeftovers(other)).toBe(0)
  rmSync(other, { recursive: true })
})
