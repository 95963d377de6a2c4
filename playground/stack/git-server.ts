import { spawn } from 'node:child_process'
import { timingSafeEqual } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import { listRefs, type RefUpdate, refUpdates } from './git-refs.ts'
import { listen } from './listen.ts'

export type GitServer = {
  port: number
  /** Folder of the bare repositories. */
  root: string
  /** `http://127.0.0.1:PORT/NAME.git`, without credentials. */
  url(repository: string): string
  /** Ends open connections; resolves when no git runs for one any more and `onPush` has been told of what came before. */
  stop: () => Promise<void>
}

export type GitServerOptions = {
  /** Holds bare repositories, one folder each (`sample.git`). Made when absent. */
  root: string
  /** Default: a free one. */
  port?: number
  /** Asked for by Basic authentication, for reads and pushes alike. Open when left out. */
  auth?: { user: string; password: string }
  /** Called after a push that moved a reference. Its failure changes nothing for the pusher. */
  onPush?: (repository: string, updates: RefUpdate[]) => void | Promise<void>
}

/** Smart HTTP with clone and push for every repository under `root`, by git's own http-backend, on 127.0.0.1. */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  mkdirSync(options.root, { recursive: true })
  const underWay = new Set<Promise<void>>()
  const server = createServer((request, response) => {
    const answered = serve(options, request, response)
      .catch((error: unknown) => {
        console.error(error)
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
      .finally(() => underWay.delete(answered))
    underWay.add(answered)
  })
  const { port, stop } = await listen(server, options.port)
  return {
    port,
    root: options.root,
    url: (repository) => `http://127.0.0.1:${port}/${repository}`,
    async stop() {
      await stop()
      await Promise.all(underWay)
    },
  }
}

async function serve(options: GitServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://git')
  const repository = /^\/([\w.-]+)\//.exec(url.pathname)?.[1]
  if (!repository || repository.startsWith('.')) {
    response.writeHead(404).end('no such repository\n')
    return
  }
  if (!isAllowed(options.auth, request.headers.authorization)) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    return
  }
  const isPush = request.method === 'POST' && url.pathname.endsWith('/git-receive-pack')
  const folder = `${options.root}/${repository}`
  const before = isPush ? await listRefs(folder) : undefined
  await runBackend(options.root, url, request, response)
  if (!before || !options.onPush) return
  const updates = refUpdates(before, await listRefs(folder))
  if (updates.length > 0) await options.onPush(repository, updates)
}

function isAllowed(auth: GitServerOptions['auth'], header: string | undefined): boolean {
  if (!auth) return true
  const wanted = Buffer.from(`Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}`)
  const given = Buffer.from(header ?? '')
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** One CGI call. Resolves when the answer has been sent whole. */
async function runBackend(root: string, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const child = spawn('git', ['http-backend'], { env: backendEnv(root, url, request) })
  // Handed on and not inherited: who waits for the end of our output does not wait for the backend, too.
  child.stderr.on('data', (chunk: Buffer) => void process.stderr.write(chunk))
  // A backend that goes away must not end us with EPIPE.
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  // A client that goes away ends the backend, also one that has gone already: of such a request a pipe hears no end.
  finished(request, () => child.stdin.end())
  response.once('close', () => child.kill())
  let head: Buffer | undefined = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (head) head = takeHead(response, Buffer.concat([head, chunk]))
    else response.write(chunk)
  })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => {
      if (head) response.writeHead(502)
      response.end(resolve)
      if (response.destroyed) resolve()
    })
  })
}

/** Sends the head and what follows it once it is there whole; until then it gives back what there is of it. */
function takeHead(response: ServerResponse, bytes: Buffer): Buffer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return bytes
  writeHead(response, bytes.subarray(0, end).toString())
  response.write(bytes.subarray(end + 4))
  return undefined
}

function writeHead(response: ServerResponse, text: string): void {
  let status = 200
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()]
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.writeHead(status)
}

/** Without CONTENT_LENGTH, so that the backend reads to the end: where less comes than was said, it would ask for more without end. */
function backendEnv(root: string, url: URL, request: IncomingMessage): NodeJS.ProcessEnv {
  const { headers } = request
  const given = {
    CONTENT_TYPE: headers['content-type'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    GIT_PROTOCOL: headers['git-protocol'],
  }
  return {
    PATH: process.env.PATH,
    HOME: root,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'http.receivepack',
    GIT_CONFIG_VALUE_0: 'true',
    GIT_CONFIG_KEY_1: 'uploadpack.allowFilter',
    GIT_CONFIG_VALUE_1: 'true',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    REMOTE_ADDR: '127.0.0.1',
    REMOTE_USER: 'git',
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
}
