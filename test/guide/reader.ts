import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PlaygroundFile } from '../../playground/playground-file.ts'
import { until } from '../../playground/stack/until.ts'
import { which } from '../../playground/tools/on-path.ts'
import { stack } from '../stack/stack.ts'
import { removeFolder } from '../stack/remove-folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

export type Typed = { code: number; stdout: string; stderr: string }

/** Somebody with an empty folder, a shell, and the programs that the guide takes for granted. */
export type Reader = {
  /** Their home, and where they stand. */
  folder: string
  /** Runs a line to its end; one that never ends until it printed something, and then Ctrl-C. `at` is a folder below theirs. */
  type(line: string, options?: { endless?: boolean; at?: string; input?: string }): Promise<Typed>
  /** Runs `npm start` with these flags for Capstan besides; resolves when the playground is up. */
  start(line: string, flags: readonly string[]): Promise<void>
  /** `.capstan/playground.json`. */
  playground(): PlaygroundFile
  /** Ends what was started, and takes the folder away. */
  leave(): Promise<void>
}

/** A reader of the guide, with nothing running yet. */
export function createReader(): Reader {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-guide-'))
  const bin = join(folder, 'programs')
  for (const name of [bin, join(folder, 'bin'), join(folder, '.kube')]) mkdirSync(name)
  // as npm links it; npx finds it in a checkout, and ours is none
  symlinkSync(join(root, 'bin/capstan.mjs'), join(bin, 'capstan'))
  const npx = '#!/bin/sh\n[ "$1" = capstan ] || exit 64\nexec "$@"\n'
  writeFileSync(join(bin, 'npx'), npx, { mode: 0o755 })
  writeFileSync(join(folder, '.gitconfig'), '[user]\nname = Ana\nemail = ana@example.com\n')
  const file = join(folder, '.capstan/playground.json')
  const playground = () => JSON.parse(readFileSync(file, 'utf8')) as PlaygroundFile
  let npm: ChildProcess | undefined

  function environment(): NodeJS.ProcessEnv {
    const PATH = [bin, stack().binDir, process.env.PATH].join(':')
    const known = existsSync(file) ? { TOKEN: playground().token, URL: playground().apiUrl } : {}
    return { ...known, PATH, HOME: folder, KUBECONFIG: join(folder, '.capstan/kubeconfig'), NO_COLOR: '1' }
  }

  return {
    folder,
    playground,
    async type(line, { endless = false, at = '.', input = '' } = {}) {
      const options = { cwd: join(folder, at), env: environment(), detached: true }
      const child = spawn(shellOf(line), ['-c', line], options)
      child.stdin.end(input)
      return await ending(child, { endless })
    },
    async start(line, flags) {
      const words = `--prefix '${root}' --silent -- --state-dir '${folder}/.capstan'`
      const here = `exec ${line.replace(/^npm start(?: --)?/, `npm start ${words}`)} -- ${flags.join(' ')}`
      const env = { ...environment(), KUBECONFIG: undefined, CAPSTAN_STOP_WITHIN_MS: '120000' }
      const child = spawn('bash', ['-c', here], { cwd: folder, env, detached: true })
      npm = child
      const ended = ending(child, { endless: false })
      let end: Typed | undefined
      void ended.then((typed) => (end = typed))
      await until('the playground is up', async () => existsSync(file), {
        giveUp: () => end && `npm start ended: ${end.stdout}${end.stderr}`,
      })
    },
    async leave() {
      if (npm && npm.exitCode === null) {
        const ended = new Promise((resolve) => npm?.once('close', resolve))
        interrupt(npm)
        await ended
      }
      removeFolder(folder)
    },
  }
}

/** Ctrl-C reaches everything that runs in the terminal. */
function interrupt(child: ChildProcess): void {
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
}

async function ending(child: ChildProcess, { endless }: { endless: boolean }): Promise<Typed> {
  const typed = { code: 0, stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk: Buffer) => {
    if (endless && typed.stdout === '') interrupt(child)
    typed.stdout += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => (typed.stderr += chunk.toString()))
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    // 130: by Ctrl-C
    child.once('close', (exit, signal) => resolve(exit ?? (signal === 'SIGINT' ? 130 : 1)))
  })
  return { ...typed, code }
}

/** The shell that a line is for: completion is for each its own. Not every machine has all of them. */
function shellOf(line: string): string {
  const shell = /completion (bash|zsh|fish)/.exec(line)?.[1] ?? 'bash'
  return which(shell) ?? 'bash'
}
