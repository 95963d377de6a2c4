import type { StoredEvent } from '../../domain/event/event.ts'
import type { EgressResponse } from '../../lib/egress.ts'
import { below, cut, lineOf, type Message, type OpenSink, post } from './message.ts'

type State = 'success' | 'pending' | 'failure'

/** The status of a commit at GitHub; undefined for an event without one. A test asks whether the repository can be seen. */
export function githubMessage(event: StoredEvent, sink: OpenSink): Message | undefined {
  const { url, token, repository } = sink
  const headers = {
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
    authorization: `Bearer ${token}`,
  }
  const path = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  if (event.type === 'test') return { url: below(url, path), method: 'GET', headers }
  if (event.commit === '') return undefined
  const description = cut(lineOf(event, sink), 140)
  const status = { state: stateOf(event), context: contextOf(event), description }
  return post(below(url, `${path}/statuses/${event.commit}`), status, headers)
}

/** The same at GitLab. */
export function gitlabMessage(event: StoredEvent, sink: OpenSink): Message | undefined {
  const { url, token, repository } = sink
  const headers = { 'private-token': token }
  const path = `/api/v4/projects/${encodeURIComponent(repository)}`
  if (event.type === 'test') return { url: below(url, path), method: 'GET', headers }
  if (event.commit === '') return undefined
  const state = stateOf(event)
  const status = {
    state: state === 'failure' ? 'failed' : state,
    name: contextOf(event),
    description: cut(lineOf(event, sink), 255),
  }
  return post(below(url, `${path}/statuses/${event.commit}`), status, headers)
}

/**
 * Whether it was the commit, or a branch with it, that was not found; a repository that is not found may be seen later. GitHub says so
 * with 422.
 */
export function lacksCommit({ status, body }: Pick<EgressResponse, 'status' | 'body'>): boolean {
  return status === 404 && /"message"\s*:\s*"[^"]*\bcommit\b/i.test(new TextDecoder().decode(body))
}

function stateOf({ reason }: StoredEvent): State {
  if (reason === '') return 'success'
  return reason === 'NotReady' ? 'pending' : 'failure'
}

function contextOf({ source: { namespace, name } }: StoredEvent): string {
  return `capstan/${namespace}/${name}`
}
