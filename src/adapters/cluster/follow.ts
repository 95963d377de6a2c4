import type { Dispatcher } from 'undici'
import { AppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { Connection, Line } from './connect.ts'
import type { ApiResource } from './discover.ts'
import { parseStatus, refusal } from './failure.ts'
import { completed, selection } from './list.ts'
import { type Api, asked, type ListQuery, partial, pathOf, served } from './objects.ts'
import { queryText, unreachable } from './send.ts'

export type Change =
  | { type: 'changed' | 'deleted'; object: KubeObject; resourceVersion: string }
  | { type: 'bookmark'; resourceVersion: string }

export type Follow = {
  query: ListQuery
  resourceVersion: string
  openMs: number
  silenceMs: number
  signal: AbortSignal
}

/**
 * `closed`: go on from the last version heard. `expired`: the server no longer knows that version. `silent`: it said nothing, not
 * even that the time is over. After the latter two, list again.
 */
export type FollowEnd = 'closed' | 'expired' | 'silent'

type EventLine = { type?: string; object?: KubeObject & { code?: number; message?: string } }

/**
 * One watch request: tells each change until the server closes it or nothing is heard for `silenceMs`. Throws when it cannot
 * be opened, breaks, or the server reports an error in the stream.
 */
export async function followChanges(
  parts: { api: Api; connection: Connection },
  follow: Follow,
  onChange: (change: Change) => void,
): Promise<FollowEnd> {
  const patience = new Patience(follow.signal, follow.silenceMs)
  let line: Line | undefined
  try {
    const resource = await served(parts.api, follow.query, patience.signal)
    line = await parts.connection.line('watch')
    const response = await open(follow, resource, { connection: parts.connection, line, signal: patience.signal })
    if (response.statusCode !== 200) {
      const text = await response.body.text()
      if (response.statusCode === 410) return 'expired'
      if (response.statusCode === 401) parts.connection.forgetCredentials()
      const error = refusal(response.statusCode, parseStatus(text), asked('list', { ...follow.query, name: '' }))
      if (error.reason === 'UnknownKind') parts.api.discovery.forget()
      throw error
    }
    return await readLines(response.body, follow.query, { onBytes: () => patience.heard(), onChange })
  } catch (error) {
    if (patience.lost) {
      if (line) parts.connection.distrust(line)
      return 'silent'
    }
    throw unreachable(error, parts.connection.server)
  } finally {
    patience.end()
  }
}

type Opening = { connection: Connection; line: Line; signal: AbortSignal }

async function open(follow: Follow, resource: ApiResource, opening: Opening): Promise<Dispatcher.ResponseData> {
  const { query } = follow
  const { connection, line, signal } = opening
  const parameters = {
    ...selection(query),
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion: follow.resourceVersion,
    timeoutSeconds: String(Math.ceil(follow.openMs / 1000)),
  }
  return await line.dispatcher.request({
    origin: connection.server,
    path: `${connection.basePath}${pathOf(resource, query.namespace)}${queryText(parameters)}`,
    method: 'GET',
    headers: {
      'user-agent': 'capstan',
      ...line.headers,
      accept: query.metadataOnly ? partial('PartialObjectMetadata') : 'application/json',
    },
    signal,
  })
}

type Listeners = { onBytes: () => void; onChange: (change: Change) => void }

async function readLines(body: AsyncIterable<Uint8Array>, query: ListQuery, listeners: Listeners): Promise<FollowEnd> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    listeners.onBytes()
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line !== '' && readLine(line, query, listeners.onChange) === 'expired') return 'expired'
    }
  }
  return 'closed'
}

function readLine(text: string, query: ListQuery, onChange: (change: Change) => void): FollowEnd | undefined {
  const { type, object } = JSON.parse(text) as EventLine
  if (object && type && type in changes) {
    const changed = changes[type as keyof typeof changes]
    const { resourceVersion = '' } = object.metadata
    onChange(
      changed
        ? { type: changed, object: completed(object, query), resourceVersion }
        : { type: 'bookmark', resourceVersion },
    )
    return undefined
  }
  if (object?.code === 410) return 'expired'
  throw new AppError('ClusterUnavailable', `The watch broke: ${object?.message?.slice(0, 300) ?? 'an unknown event'}.`)
}

/** The server's words for what happened; a bookmark only moves the position. */
const changes = { ADDED: 'changed', MODIFIED: 'changed', DELETED: 'deleted', BOOKMARK: undefined } as const

/** Ends the request when nothing was heard for too long, or when the caller stops. */
class Patience {
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal
  readonly #silenceMs: number
  #timer: NodeJS.Timeout
  /** True once silence, not the caller, has ended it. */
  lost = false
  readonly #onAbort = (): void => this.#controller.abort(this.#outer.reason)

  constructor(outer: AbortSignal, silenceMs: number) {
    this.#outer = outer
    this.#silenceMs = silenceMs
    this.#timer = this.#wait()
    outer.addEventListener('abort', this.#onAbort, { once: true })
    if (outer.aborted) this.#onAbort()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  #wait(): NodeJS.Timeout {
    return setTimeout(() => {
      this.lost = true
      this.#controller.abort(new AppError('ClusterUnavailable', 'Nothing was heard of the watch.'))
    }, this.#silenceMs)
  }

  heard(): void {
    this.#timer.refresh()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#outer.removeEventListener('abort', this.#onAbort)
    // Leaves no half-read stream and so no socket behind; harmless after a full end.
    this.#controller.abort()
  }
}
