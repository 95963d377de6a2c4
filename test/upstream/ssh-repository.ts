import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type SshServer, startSshServer } from '../git/ssh-server.ts'

const run = promisify(execFile)

/** The branch `master` of a repository behind a real sshd, with a clone of it and the key that a Secret would mount. */
export type SshRepository = {
  url: string
  server: SshServer
  /** What a fluxd with this repository was told: where it is, and where its key and its known hosts are mounted. */
  flags: string[]
  git(...args: string[]): Promise<string>
  /** What the branch holds by now. */
  file(path: string): Promise<string>
  /** Writes or (undefined) removes files, commits with more options for git, and pushes; gives the commit. */
  push(files: Record<string, string | undefined>, options?: readonly string[]): Promise<string>
  /** The commit that the tag on the server points to, if there is one. */
  tagged(tag: string): Promise<string | undefined>
  stop(): Promise<void>
}

/** `env` is for the git of the clone. With `isKnown: false` the server has not been told of any key, and none is mounted. */
export async function createSshRepository(
  options: { env?: Record<string, string>; isKnown?: boolean } = {},
): Promise<SshRepository> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-ssh-repo-'))
  const inside = (...names: string[]) => join(folder, ...names)
  const [bare, clone] = [inside('cluster.git'), inside('clone')]
  const env = { ...process.env, ...options.env, GIT_CONFIG_GLOBAL: '/dev/null' }
  execFileSync('git', ['init', '-q', '--bare', '-b', 'master', bare])
  execFileSync('git', ['clone', '-q', bare, clone], { stdio: 'ignore' })
  const git = async (...args: string[]) => (await run('git', args, { cwd: clone, env })).stdout.trim()
  await git('checkout', '-q', '-B', 'master')
  await git('config', 'user.email', 'foo@example.com')
  await git('config', 'user.name', 'Foo')
  const server = await startSshServer()
  writeFileSync(inside('known_hosts'), server.knownHosts)
  mkdirSync(inside('mounted'))
  if (options.isKnown !== false) {
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', inside('mounted', 'identity')])
    server.authorize(readFileSync(inside('mounted', 'identity.pub'), 'utf8'))
  }
  return {
    url: server.urlOf(bare),
    server,
    flags: [
      `--git-url=${server.urlOf(bare)}`,
      `--git-ssh-known-hosts-file=${inside('known_hosts')}`,
      `--k8s-secret-volume-mount-path=${inside('mounted')}`,
    ],
    git,
    async file(path) {
      await git('fetch', '-q', 'origin', 'master')
      return await git('show', `FETCH_HEAD:${path}`)
    },
    async push(files, more = []) {
      if ((await git('ls-remote', 'origin', 'master')) !== '') await git('pull', '-q', '--rebase', 'origin', 'master')
      for (const [path, text] of Object.entries(files)) {
        const file = join(clone, path)
        mkdirSync(dirname(file), { recursive: true })
        if (text === undefined) rmSync(file)
        else writeFileSync(file, text)
      }
      await git('add', '-A')
      await git('commit', '-q', '-m', 'change', ...more)
      await git('push', '-q', 'origin', 'HEAD:master')
      return await git('rev-parse', 'HEAD')
    },
    async tagged(tag) {
      const lines = (await git('ls-remote', 'origin', `refs/tags/${tag}`, `refs/tags/${tag}^{}`)).split('\n')
      return lines.at(-1)?.split('\t')[0] || undefined
    },
    async stop() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
