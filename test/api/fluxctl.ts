import { type ChildProcess, type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { stack } from '../stack/stack.ts'

/** The real fluxctl 1.25, as somebody's who has a name in git's configuration. */
export type Fluxctl = {
  /** `fluxctl <args>`: exit code and what was printed. */
  run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>
  /** A command that goes on until it is interrupted. */
  start(...args: string[]): Running
  /** The same at a terminal, where somebody answers the menu with this key; both outputs are one there. */
  choose(key: string, ...args: string[]): Promise<{ code: number; stdout: string }>
  stop(): void
}

export type Running = {
  /** The first line that it prints; rejects with what it said where it ends before. */
  firstLine: Promise<string>
  /** Ctrl-C; gives the exit code. */
  interrupt(): Promise<number | null>
}

/** For verbs that wait for a job: longer than the minute of fluxctl. */
export const patience = { FLUX_TIMEOUT: '240s' }

export const user = 'Ada Lovelace <ada@example.com>'

/** `env` says how it finds its server; `program` is another one that is called so. */
export function createFluxctl(env: Record<string, string>, program: string = join(stack().binDir, 'fluxctl')): Fluxctl {
  const home = mkdtempSync(join(tmpdir(), 'capstan-fluxctl-'))
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Ada Lovelace\n\temail = ada@example.com\n')
  const { kubeconfig } = stack()
  const options = {
    cwd: home,
    env: { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`, HOME: home, KUBECONFIG: kubeconfig, ...env },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 280_000,
  }
  const execute = (file: string, args: readonly string[], key = '') =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const child = execFile(file, args, options, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
      })
      if (key !== '') typeInto(child, key)
    })
  return {
    run: async (...args) => await execute(program, args),
    start: (...args) => startProgram(spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })),
    async choose(key, ...args) {
      const command = [program, ...args].map((arg) => `'${arg}'`).join(' ')
      const { code, stdout } = await execute('script', ['-qec', command, '/dev/null'], key)
      return { code, stdout: stdout.replaceAll('\r\n', '\n') }
    },
    stop: () => rmSync(home, { recursive: true, force: true }),
  }
}

function startProgram(child: ChildProcessByStdio<null, Readable, Readable>): Running {
  const ended = once(child, 'close') as Promise<[number | null]>
  const said = { stdout: '', stderr: '' }
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said.stdout += chunk.toString()
      if (said.stdout.includes('\n')) resolve(said.stdout.split('\n')[0] ?? '')
    })
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
    void ended.then(([code]) => reject(new Error(`it ended with ${code}: ${said.stderr}`)), reject)
  })
  return {
    firstLine,
    async interrupt() {
      child.kill('SIGINT')
      const [code] = await ended
      return code
    },
  }
}

/** Once the menu is there; again until it is heard, since fluxctl prints the menu before it listens. */
function typeInto(child: ChildProcess, key: string): void {
  let typing: NodeJS.Timeout | undefined
  child.stdout?.on('data', (chunk: Buffer | string) => {
    if (String(chunk).includes('[Enter]')) typing ??= setInterval(() => child.stdin?.write(key), 100)
    if (/selected release|Aborted/.test(String(chunk))) clearInterval(typing)
  })
  child.once('exit', () => clearInterval(typing))
}

/** Our program under the name `fluxctl`, or its own. */
export function createOwnFluxctl(env: Record<string, string>, name: 'fluxctl' | 'capstan' = 'fluxctl'): Fluxctl {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-called-'))
  const program = join(folder, name)
  symlinkSync(fileURLToPath(new URL('../../bin/capstan.mjs', import.meta.url)), program)
  const own = createFluxctl(env, program)
  return {
    ...own,
    stop() {
      own.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The columns of a table as fluxctl prints it, whatever their width. */
export function rowsOf(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd().split(/ {2,}/))
}
