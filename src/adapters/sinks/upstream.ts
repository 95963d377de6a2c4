import { makeEvent, type StoredEvent } from '../../domain/event/event.ts'
import { upstreamBody } from '../../domain/event/upstream.ts'
import { below, type Message, type OpenSink, post } from './message.ts'

/** An event as fluxd sends it to the service of `--connect` (flux-v1 §22), such as Fluxcloud. A test is a sync without commits. */
export function upstreamMessage(event: StoredEvent, { url, token }: OpenSink): Message {
  const { source, startedAt, endedAt, message } = event
  const sent =
    event.type === 'test' ? makeEvent({ type: 'sync', metadata: {}, source, startedAt, endedAt, message }) : event
  const headers = token === '' ? {} : { authorization: `Scope-Probe token=${token}` }
  return post(below(url, '/v6/events'), upstreamBody(sent), headers)
}
