import type { Severity, StoredEvent } from '../../domain/event/event.ts'
import { cut, lineOf, type Message, type OpenSink, post, titleOf } from './message.ts'

const cardColors: Readonly<Record<Severity, string>> = { info: 'Good', warning: 'Warning', error: 'Attention' }

/** A webhook of a Teams workflow: an adaptive card. Text runs know no markup, so foreign text links to nothing. */
export function teamsMessage(event: StoredEvent, sink: OpenSink): Message {
  const title = { type: 'TextRun', text: titleOf(event), weight: 'Bolder', color: cardColors[event.severity] }
  const text = { type: 'TextRun', text: cut(lineOf(event, sink), 5000) }
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      { type: 'RichTextBlock', inlines: [title] },
      { type: 'RichTextBlock', inlines: [text] },
    ],
  }
  return post(sink.url, {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  })
}
