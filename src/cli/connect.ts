import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Transport, type TransportRequest, Unreachable } from '../api/client.ts'
import { openStream } from './open-stream.ts'

/** How the command line names a server. */
export type ServerChoice = { url?: string; tokenFile?: string }

export type ConnectOptions = {
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** The text of a file, undefined where there is none. */
  readText?: (path: string) => string | undefined
  fetch?: typeof fetch
  /** The token of the kubeconfig's context; asked for when a server wants one and none was given. */
  clusterToken?: () => Promise<string | undefined>
}

type Server = { url: string; token: string }

/** An answer that takes longer will not come. */
const answerMs = 30_000

/**
 * Ways to the API: `--url` or CAPSTAN_URL with a token from `--token-file`, CAPSTAN_TOKEN or CAPSTAN_TOKEN_FILE; else the playground
 * whose `.capstan/playground.json` lies here or in a folder above. A server that wants a token where none was given gets that of the
 * kubeconfig, over TLS or on this machine alone. Throws {@link Unreachable} when there is no server.
 */
export function createConnect(options: ConnectOptions): (choice: ServerChoice) => Transport {
  const send = options.fetch ?? fetch
  return (choice) => {
    const { url, token } = findServer(choice, { readText: readIfThere, ...options })
    let lent: Promise<string | undefined> | undefined
    /** With the token of the kubeconfig where the server wants one and none was given. */
    const withToken = async <T extends object>(ask: (server: Server) => Promise<T>): Promise<T> => {
      const first = await ask({ url, token: token || (await lent) || '' })
      const isRefused = 'status' in first && first.status === 401
      if (!isRefused || token || lent || !isPrivate(url)) return first
      lent = options.clusterToken?.() ?? Promise.resolve(undefined)
      const second = await lent
      return second ? await ask({ url, token: second }) : first
    }
    const transport = async (request: TransportRequest): ReturnType<Transport> =>
      await withToken((server) => exchange(server, request, send))
    const stream: Transport['stream'] = async (request) =>
      await withToken((server) => openStream(server, request, { send, parse, causeOf }))
    return Object.assign(transport, { address: url, stream })
  }
}

async function exchange(
  { url, token }: Server,
  { method, path, body, signal }: TransportRequest,
  send: typeof fetch,
): ReturnType<Transport> {
  const limit = AbortSignal.timeout(answerMs)
  try {
    const response = await send(`${url}${path}`, {
      method,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headers: {
        accept: 'application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': isBytes(body) ? 'application/gzip' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isBytes(body) ? body : JSON.stringify(body) }),
    })
    return { status: response.status, body: parse(await response.text()) }
  } catch (error) {
    if (signal?.aborted) throw error
    const why = limit.aborted ? `no answer within ${answerMs / 1000} s` : causeOf(error)
    throw new Unreachable(`Capstan is not reached at ${url}: ${why}.`, { cause: error })
  }
}

/** A token of the cluster is worth more than this server: nobody on the way may read it. */
function isPrivate(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

function isBytes(body: unknown): body is Uint8Array<ArrayBuffer> {
  return body instanceof Uint8Array
}

type Finding = Required<Pick<ConnectOptions, 'env' | 'cwd' | 'readText'>>

function findServer(choice: ServerChoice, finding: Finding): Server {
  const { env } = finding
  const playground = findPlayground(finding)
  const given = choice.url ?? (env.CAPSTAN_URL || undefined)
  if (given === undefined && !playground) {
    throw new Unreachable(
      'No Capstan server is known: give --url or CAPSTAN_URL, or run this in the folder of a running playground (npm start).',
    )
  }
  const url = given === undefined ? (playground as Server).url : readUrl(given)
  // a token goes to the server that it is for, and nowhere else
  const own = playground?.url === url ? playground.token : ''
  return { url, token: givenToken(choice, finding) ?? own }
}

function givenToken({ tokenFile }: ServerChoice, { env, cwd, readText }: Finding): string | undefined {
  if (tokenFile === undefined && env.CAPSTAN_TOKEN) return env.CAPSTAN_TOKEN
  const file = tokenFile ?? env.CAPSTAN_TOKEN_FILE
  if (!file) return undefined
  const text = readText(resolve(cwd, file))
  if (text === undefined) throw new Unreachable(`The token file ${file} does not exist.`)
  return text.trim()
}

function findPlayground({ cwd, readText }: Finding): Server | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const text = readText(join(folder, '.capstan', 'playground.json'))
    if (text !== undefined) return readPlayground(text, readText)
    if (dirname(folder) === folder) return undefined
  }
}

function readPlayground(text: string, readText: Finding['readText']): Server | undefined {
  const { apiUrl, token, tokenFile } = (parse(text) ?? {}) as Record<string, unknown>
  if (typeof apiUrl !== 'string') return undefined
  const fromFile = typeof token === 'string' || typeof tokenFile !== 'string' ? undefined : readText(tokenFile)
  return { url: readUrl(apiUrl), token: typeof token === 'string' ? token : (fromFile ?? '').trim() }
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new Unreachable('The URL of the server must look like http://host:3030 and hold no password.')
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** fetch says "fetch failed" and hides why. */
function causeOf(error: unknown): string {
  const { cause, message } = error as Error
  const { code, message: reason } = (cause ?? {}) as { code?: string; message?: string }
  return code ?? reason ?? message
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new Unreachable(`${path} cannot be read: ${code ?? 'unknown error'}.`, { cause: error })
  }
}
