import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A git server over smart HTTP, with Basic authentication, serving one bare repository that takes pushes. */
export type GitServer = {
  url: string
  /** The bare repository on disk. */
  repository: string
  /** Authorization headers of all requests so far. */
  seen: string[]
  /** Requests that it is still at work on, those whose client has gone, too. */
  busy(): number
  /** Runs git as somebody else who works on the repository; gives its output. */
  git(args: string[], input?: string): string
  /** Commits files (undefined removes) on a branch, from outside; gives the commit. */
  commit(files: Record<string, string | undefined>, branch?: string): string
  close(): Promise<void>
}

/** Starts one on a free port. Without a password anybody may do everything. */
export async function startGitServer({ username = '', password = '' } = {}): Promise<GitServer> {
  const root = mkdtempSync(join(tmpdir(), 'capstan-git-server-'))
  const repository = join(root, 'repo.git')
  const run = (args: string[], input = '', env: Record<string, string> = {}): string => {
    const result = spawnSync('git', args, {
      cwd: root,
      input,
      env: { PATH: process.env.PATH, HOME: root, GIT_CONFIG_NOSYSTEM: '1', ...identity, ...env },
    })
    if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr.toString()}`)
    return result.stdout.toString().trim()
  }
  run(['init', '--quiet', '--bare', '--initial-branch=main', repository])
  run(['-C', repository, 'config', 'http.receivepack', 'true'])
  const seen: string[] = []
  let busy = 0
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const server = createServer((request, response) => {
    if (request.headers.authorization) seen.push(request.headers.authorization)
    if (password !== '' && request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('no')
      return
    }
    busy += 1
    serve(root, request, response).on('close', () => (busy -= 1))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/repo.git`,
    repository,
    seen,
    busy: () => busy,
    git: (args, input) => run(['-C', repository, ...args], input),
    commit: (files, branch = 'main') => commitFiles(repository, files, branch, run),
    close: () => close(server, root),
  }
}

const identity = {
  GIT_AUTHOR_NAME: 'Somebody',
  GIT_AUTHOR_EMAIL: 'somebody@example.com',
  GIT_COMMITTER_NAME: 'Somebody',
  GIT_COMMITTER_EMAIL: 'somebody@example.com',
}

type RunGit = (args: string[], input?: string, env?: Record<string, string>) => string

/** One fast-import, however many files. A link is written as `-> target`; `.sh` files are executable. */
function commitFiles(
  repository: string,
  files: Record<string, string | undefined>,
  branch: string,
  run: RunGit,
): string {
  const git = (args: string[], input = '') => run(['-C', repository, ...args], input)
  const ref = `refs/heads/${branch}`
  const base = git(['for-each-ref', '--format=%(objectname)', ref])
  const changes = Object.entries(files).map(([path, content]) => {
    if (content === undefined) return `D ${path}\n`
    const link = content.startsWith('-> ')
    const mode = link ? '120000' : path.endsWith('.sh') ? '100755' : '100644'
    return `M ${mode} inline ${path}\n${data(link ? content.slice(3) : content)}`
  })
  const { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email } = identity
  const head = `commit ${ref}\ncommitter ${name} <${email}> now\n${data('change')}${base ? `from ${base}\n` : ''}`
  git(['fast-import', '--quiet', '--date-format=now'], head + changes.join(''))
  return git(['rev-parse', ref])
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`
}

function serve(root: string, request: IncomingMessage, response: ServerResponse): ChildProcess {
  const url = new URL(request.url ?? '/', 'http://x')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'somebody',
      GIT_CONFIG_NOSYSTEM: '1',
      HOME: root,
    },
  })
  request.pipe(child.stdin)
  // a client that goes in the middle sends no end
  request.on('close', () => child.stdin.end())
  child.stdin.on('error', () => {})
  answer(child, response)
  return child
}

/** Turns the CGI answer into an HTTP one. */
function answer(child: ChildProcess, response: ServerResponse): void {
  let head = Buffer.alloc(0)
  let sent = false
  child.stdout?.on('data', (chunk: Buffer) => {
    if (sent) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const headers = head
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string])
    const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.split(' ')[0] ?? 200)
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')))
    response.write(head.subarray(end + 4))
    sent = true
  })
  child.on('close', () => response.end())
}

async function close(server: Server, root: string): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  rmSync(root, { recursive: true, force: true })
}

/** A `git` first on PATH that notes its arguments and those of the children that it finds, then becomes the real one. */
export function spyOnGit(folder: string): { path: string; log: string } {
  const log = join(folder, 'argv.log')
  const real = spawnSync('bash', ['-c', 'command -v git']).stdout.toString().trim()
  writeFileSync(join(folder, 'git'), `#!/bin/bash\n{ printf '%s ' "$@"; echo; env; } >> ${log}\nexec ${real} "$@"\n`, {
    mode: 0o755,
  })
  return { path: `${folder}:${process.env.PATH}`, log }
}
