import { execFile, execFileSync } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type GitServer, startGitServer } from '../../playground/stack/git-server.ts'

const run = promisify(execFile)

/** A repository on a real git server that takes pushes, with a clone to work in. */
export type Repository = {
  url: string
  server: GitServer
  /** Folder of the clone. */
  clone: string
  /** Makes the branch hold exactly these files; gives the pushed commit. */
  push(files: Record<string, string>): Promise<string>
  /** Changes, adds or (undefined) removes some files; gives the pushed commit. */
  change(files: Record<string, string | undefined>): Promise<string>
  git(...args: string[]): Promise<string>
  /** After each push, tell this URL, signed with this secret. */
  notify(url: string, secret: string): void
  stop(): Promise<void>
}

export async function createRepository(
  options: { auth?: { user: string; password: string } } = {},
): Promise<Repository> {
  const directory = mkdtempSync(join(tmpdir(), `capstan-repo-${randomBytes(3).toString('hex')}-`))
  const root = join(directory, 'served')
  const clone = join(directory, 'clone')
  mkdirSync(root)
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', join(root, 'repo.git')])
  let hook: { url: string; secret: string } | undefined
  const server = await startGitServer({
    root,
    ...(options.auth ? { auth: options.auth } : {}),
    async onPush() {
      if (!hook) return
      const body = '{}'
      const signature = `sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}`
      const headers = { 'content-type': 'application/json', 'X-Capstan-Signature-256': signature }
      await fetch(hook.url, { method: 'POST', body, headers }).catch(() => undefined)
    },
  })
  const url = server.url('repo.git')
  const pushUrl = options.auth ? url.replace('://', `://${options.auth.user}:${options.auth.password}@`) : url
  const git = async (...args: string[]) => (await run('git', args, { cwd: clone })).stdout.trim()
  await run('git', ['clone', '-q', pushUrl, clone])
  await git('checkout', '-q', '-B', 'main')
  await git('config', 'user.email', 'test@example.com')
  await git('config', 'user.name', 'test')

  async function commit(): Promise<string> {
    await git('add', '-A')
    await git('commit', '-q', '--allow-empty', '-m', 'change')
    await git('push', '-q', 'origin', 'main')
    return await git('rev-parse', 'HEAD')
  }

  function write(files: Record<string, string | undefined>): void {
    for (const [path, text] of Object.entries(files)) {
      const file = join(clone, path)
      if (text === undefined) rmSync(file, { force: true })
      else {
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, text)
      }
    }
  }

  return {
    url,
    server,
    clone,
    git,
    async push(files) {
      await git('rm', '-rqf', '--ignore-unmatch', '.')
      write(files)
      return await commit()
    },
    async change(files) {
      await git('pull', '-q', '--rebase', 'origin', 'main')
      write(files)
      return await commit()
    },
    notify(to, secret) {
      hook = { url: to, secret }
    },
    async stop() {
      await server.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
