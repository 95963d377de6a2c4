import type { StoredEvent } from '../../domain/event/event.ts'
import { colors, cut, lineOf, type Message, type OpenSink, post, titleOf } from './message.ts'

/** An incoming webhook of Slack, Mattermost or Rocket.Chat. */
export function slackMessage(event: StoredEvent, sink: OpenSink): Message {
  const [title, text] = [titleOf(event), cut(lineOf(event, sink), 3000)].map(escape) as [string, string]
  return post(sink.url, {
    attachments: [
      {
        color: colors[event.severity],
        fallback: `${title}: ${text}`,
        title,
        text,
        // what stands in commits and errors is no markup
        mrkdwn_in: [],
        footer: 'Capstan',
        ts: Math.floor(Date.parse(event.endedAt) / 1000),
      },
    ],
  })
}

/** Slack's three control characters; with them a text could link, or call everybody. */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
