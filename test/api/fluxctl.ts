import { type ChildProcess, execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stack } from '../stack/stack.ts'

/** The real fluxctl 1.25, as somebody's who has a name in git's configuration. */
export type Fluxctl = {
  /** `fluxctl <args>`: exit code and what was printed. */
  run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>
  /** The same at a terminal, where somebody answers the menu with this key; both outputs are one there. */
  choose(key: string, ...args: string[]): Promise<{ code: number; stdout: string }>
  stop(): void
}

export const user = 'Ada Lovelace <ada@example.com>'

/** `env` says how it finds its server. */
export function createFluxctl(env: Record<string, string>): Fluxctl {
  const home = mkdtempSync(join(tmpdir(), 'capstan-fluxctl-'))
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Ada Lovelace\n\temail = ada@example.com\n')
  const { binDir, kubeconfig } = stack()
  const options = {
    cwd: home,
    env: { PATH: process.env.PATH ?? '', HOME: home, KUBECONFIG: kubeconfig, ...env },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 100_000,
  }
  const fluxctl = join(binDir, 'fluxctl')
  const execute = (file: string, args: readonly string[], key = '') =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const child = execFile(file, args, options, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
      })
      if (key !== '') typeInto(child, key)
    })
  return {
    run: async (...args) => await execute(fluxctl, args),
    async choose(key, ...args) {
      const command = [fluxctl, ...args].map((arg) => `'${arg}'`).join(' ')
      const { code, stdout } = await execute('script', ['-qec', command, '/dev/null'], key)
      return { code, stdout: stdout.replaceAll('\r\n', '\n') }
    },
    stop: () => rmSync(home, { recursive: true, force: true }),
  }
}

/** Once the menu is there; again until it is heard, since fluxctl prints the menu before it listens. */
function typeInto(child: ChildProcess, key: string): void {
  let typing: NodeJS.Timeout | undefined
  child.stdout?.on('data', (chunk: Buffer | string) => {
    if (String(chunk).includes('[Enter]')) typing ??= setInterval(() => child.stdin?.write(key), 100)
    if (String(chunk).includes('selected release')) clearInterval(typing)
  })
  child.once('exit', () => clearInterval(typing))
}

/** The columns of a table as fluxctl prints it, whatever their width. */
export function rowsOf(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd().split(/ {2,}/))
}
