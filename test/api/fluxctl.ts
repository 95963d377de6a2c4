import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stack } from '../stack/stack.ts'

/** The real fluxctl 1.25, as somebody's who has a name in git's configuration. */
export type Fluxctl = {
  /** `fluxctl <args>`: exit code and what was printed. */
  run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>
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
  }
  return {
    run: (...args) =>
      new Promise((resolve) => {
        execFile(join(binDir, 'fluxctl'), args, options, (error, stdout, stderr) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
        })
      }),
    stop: () => rmSync(home, { recursive: true, force: true }),
  }
}

/** The columns of a table as fluxctl prints it, whatever their width. */
export function rowsOf(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd().split(/ {2,}/))
}
