import type { StoredEvent } from '../../domain/event/event.ts'
import { colors, cut, lineOf, type Message, type OpenSink, post, titleOf } from './message.ts'

/** A webhook of a Discord channel. Nobody is called by name, whatever the text says. */
export function discordMessage(event: StoredEvent, sink: OpenSink): Message {
  return post(sink.url, {
    username: 'Capstan',
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: cut(escape(titleOf(event)), 256),
        description: cut(escape(lineOf(event, sink)), 4096),
        color: Number.parseInt(colors[event.severity].slice(1), 16),
        timestamp: event.endedAt,
      },
    ],
  })
}

function escape(text: string): string {
  return text.replaceAll(/[\\*_~`|>[\]]/g, String.raw`\$&`)
}
