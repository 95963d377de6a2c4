import type { EventType, StoredEvent } from '../../domain/event/event.ts'
import { below, lineOf, type Message, type OpenSink, post } from './message.ts'

/** Without news Alertmanager would take an alert for ended after five minutes; we tell once, so it is to stand until we say otherwise. */
const standsMs = 30 * 86_400_000

const names: Readonly<Partial<Record<EventType, string>>> = {
  sync: 'CapstanSourceFailing',
  error: 'CapstanSourceFailing',
  helm_release: 'CapstanReleaseFailing',
  test: 'CapstanTest',
}
/** What leaves no trace in the status of a source ends by itself. */
const stepNames: Readonly<Record<string, string>> = { fetch: 'CapstanFetchFailing', images: 'CapstanImagesFailing' }

/** An alert that fires while a source or a release fails, and ends when it is well again: the labels of both are the same. */
export function alertMessage(event: StoredEvent, sink: OpenSink): Message {
  const { type, source, severity, endedAt, reason, commit } = event
  const step = type === 'error' && 'step' in event.metadata ? String(event.metadata.step) : ''
  const alertname = stepNames[step] ?? names[type] ?? ''
  const isOver = severity === 'info'
  const alert = {
    labels: { alertname, kind: source.kind, namespace: source.namespace, name: source.name, severity: 'error' },
    annotations: { summary: lineOf(event, sink), reason, ...(commit === '' ? {} : { commit }) },
    startsAt: event.startedAt,
    endsAt: isOver ? endedAt : new Date(Date.parse(endedAt) + standsMs).toISOString(),
  }
  const { token } = sink
  return post(below(sink.url, '/api/v2/alerts'), [alert], token === '' ? {} : { authorization: `Bearer ${token}` })
}
