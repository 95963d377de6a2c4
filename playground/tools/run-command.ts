import { spawn } from 'node:child_process'
import { endGroup } from '../stack/supervise.ts'

export type CommandResult = {
  ok: boolean /** Standard output. */
  stdout: string /** The end of all that it printed, errors too. */
  said: string /** Why it failed: the end of what it printed. */
  reason: string
}

export type CommandOptions = {
  cwd?: string
  env?: NodeJS.ProcessEnv
  timeoutMs?: number
  signal?: AbortSignal
}

/** Runs a program to its end in a process group of its own. Never rejects; aborted or late, the whole group is ended. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { cwd, env = process.env, timeoutMs = 0, signal } = options
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let tail = ''
  let ended = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
    tail = (tail + chunk).slice(-4_000)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-4_000)
  })
  const end = (why: string) => {
    ended = why
    void endGroup(child, 2_000)
  }
  const abort = () => end('stopped')
  const timer = timeoutMs ? setTimeout(() => end(`not done within ${timeoutMs / 1000} s`), timeoutMs) : undefined
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort)
  return await new Promise((resolve) => {
    const finish = (failure: string | undefined) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      resolve({ ok: failure === undefined, stdout, said: tail, reason: failure ?? '' })
    }
    child.once('error', (error) => finish(error.message))
    child.once('close', (code, by) => {
      if (code === 0 && !ended) finish(undefined)
      else
        finish(
          [`${command} ${args[0] ?? ''}: ${ended || (by ?? `exit ${code}`)}`, lastLines(tail)]
            .filter(Boolean)
            .join(': '),
        )
    })
  })
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ')
}
