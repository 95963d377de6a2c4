import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Transport, type TransportRequest, Unreachable } from '../api/client.ts'
import { openStream } from './open-stream.ts'

/** How the command line names a server. */
export type ServerChoice = {
  url?: string
  token?: string
  tokenFile?: string
  /** A context of the kubeconfig. */
  context?: string
  /** Where the pod is that a port is forwarded to. */
  k8sFwdNs?: string
  /** Its labels, as `key=value,…`. */
  k8sFwdLabels?: string
}

/** Where a pod is looked for. */
export type ForwardTo = { context: string; namespace: string; labels: Record<string, string> }

export type ConnectOptions = {
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** The text of a file, undefined where there is none. */
  readText?: (path: string) => string | undefined
  fetch?: typeof fetch
  /** The token of the kubeconfig's context; asked for when a server wants one and none was given. */
  clusterToken?: () => Promise<string | undefined>
  /** Forwards a port of this machine to a pod; gives its URL. */
  forward?: (to: ForwardTo) => Promise<string>
}

type Server = { url: string; token: string }
/** A server, or the pod that a port is to be forwarded to. */
type Found = { token: string } & ({ url: string } | ByPod)
/** `isMeant`: the command line says so. */
type ByPod = { pod: ForwardTo; isMeant: boolean }

/** An answer that takes longer will not come. */
const answerMs = 30_000

/**
 * Ways to the API, the first that is there: `--url`; a port forwarded by `--context`, `--k8s-fwd-ns` or `--k8s-fwd-labels`; CAPSTAN_URL;
 * FLUX_URL; the playground whose `.capstan/playground.json` lies here or in a folder above; a port forwarded to the pod that the
 * kubeconfig leads to. The token is that of `--token`, `--token-file`, CAPSTAN_TOKEN, CAPSTAN_TOKEN_FILE or FLUX_SERVICE_TOKEN. A server
 * that wants a token where none was given gets that of the kubeconfig, over TLS or on this machine alone. Throws {@link Unreachable}
 * when there is no server.
 */
export function createConnect(options: ConnectOptions): (choice: ServerChoice) => Transport {
  const send = options.fetch ?? fetch
  return (choice) => {
    const found = findServer(choice, { readText: readIfThere, ...options })
    const { token } = found
    let forwarded: Promise<string> | undefined
    const urlOf = async (): Promise<string> => {
      if ('url' in found) return found.url
      forwarded ??= reach(found, options.forward)
      return await forwarded
    }
    let lent: Promise<string | undefined> | undefined
    /** With the token of the kubeconfig where the server wants one and none was given. */
    const withToken = async <T extends object>(ask: (server: Server) => Promise<T>): Promise<T> => {
      const url = await urlOf()
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
    const locate = async () => ({ url: await urlOf(), isForwarded: !('url' in found) })
    return Object.assign(transport, { locate, stream })
  }
}

async function reach({ pod, isMeant }: ByPod, forward: ConnectOptions['forward']): Promise<string> {
  if (!forward) throw new Unreachable(noServer)
  try {
    return await forward(pod)
  } catch (error) {
    const { message } = error as Error
    throw new Unreachable(isMeant ? message : `${noServer} By the kubeconfig none is found: ${message}`, {
      cause: error,
    })
  }
}

const noServer =
  'No Capstan server is known: give --url or CAPSTAN_URL, or run this in the folder of a running playground (npm start).'

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

type Finding = Required<Pick<ConnectOptions, 'env' | 'cwd' | 'readText'>> & Pick<ConnectOptions, 'forward'>

function findServer(choice: ServerChoice, finding: Finding): Found {
  const given = givenToken(choice, finding)
  const pod = podOf(choice, finding)
  const { env } = finding
  const isForwarded = [choice.context, choice.k8sFwdNs, choice.k8sFwdLabels].some((one) => one !== undefined)
  if (choice.url === undefined && isForwarded) return { pod, isMeant: true, token: given ?? '' }
  const named = choice.url ?? (env.CAPSTAN_URL || fluxUrl(env) || undefined)
  const playground = findPlayground(finding)
  if (named === undefined && !playground) {
    if (!finding.forward) throw new Unreachable(noServer)
    return { pod, isMeant: false, token: given ?? '' }
  }
  const url = named === undefined ? (playground as Server).url : readUrl(named)
  // a token goes to the server that it is for, and nowhere else
  const own = playground?.url === url ? playground.token : ''
  return { url, token: given ?? own }
}

/** fluxctl's variable names the API of fluxd, below which ours is not. */
function fluxUrl({ FLUX_URL = '' }: Finding['env']): string {
  return FLUX_URL.replace(/\/api\/flux\/*$/, '')
}

/** Where Capstan is installed when nobody says. Its leader is labelled as fluxd was, and found without labels. */
function podOf({ context = '', k8sFwdNs, k8sFwdLabels }: ServerChoice, { env }: Finding): ForwardTo {
  const pairs = (k8sFwdLabels ?? env.FLUX_FORWARD_LABELS ?? '').split(',').filter((pair) => pair.includes('='))
  const labels = pairs.map((pair): [string, string] => [
    pair.slice(0, pair.indexOf('=')),
    pair.slice(pair.indexOf('=') + 1),
  ])
  const namespace = k8sFwdNs || env.FLUX_FORWARD_NAMESPACE || 'capstan-system'
  return { context, namespace, labels: Object.fromEntries(labels) }
}

function givenToken({ token, tokenFile }: ServerChoice, { env, cwd, readText }: Finding): string | undefined {
  if (token !== undefined) return token
  if (tokenFile === undefined && env.CAPSTAN_TOKEN) return env.CAPSTAN_TOKEN
  const file = tokenFile ?? env.CAPSTAN_TOKEN_FILE
  if (!file) return env.FLUX_SERVICE_TOKEN || undefined
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
