import { describe, expect, it } from 'vitest'
import { readServerEvents, type ServerEvent } from './server-events.ts'

async function read(...pieces: string[]): Promise<ServerEvent[]> {
  const found: ServerEvent[] = []
  const stream = (async function* () {
    yield* pieces
  })()
  for await (const event of readServerEvents(stream)) found.push(event)
  return found
}

describe('readServerEvents', () => {
  const rows: [string, string[], ServerEvent[]][] = [
    ['an event with all its fields', ['id: 1\nevent: sync\ndata: {}\n\n'], [{ id: '1', event: 'sync', data: '{}' }]],
    ['one without a name', ['data: x\n\n'], [{ id: '', event: 'message', data: 'x' }]],
    ['lines of data', ['data: a\ndata:b\ndata\n\n'], [{ id: '', event: 'message', data: 'a\nb\n' }]],
    [
      'one that comes in pieces, also between \\r and \\n',
      ['da', 'ta: a\r', '\n', '\r\nid: 7\r\ndata: b\r\n\r\n'],
      [
        { id: '', event: 'message', data: 'a' },
        { id: '7', event: 'message', data: 'b' },
      ],
    ],
    [
      'an id counts until there is another',
      ['id: 1\ndata: a\n\ndata: b\n\n'],
      [
        { id: '1', event: 'message', data: 'a' },
        { id: '1', event: 'message', data: 'b' },
      ],
    ],
    ['comments, retry and empty events are none', [': hello\n\nretry: 2000\n\nevent: x\n\n'], []],
    ['what was not ended is not told', ['data: a\n\ndata: b\n'], [{ id: '', event: 'message', data: 'a' }]],
    ['a colon in the data', ['data: a: b\n\n'], [{ id: '', event: 'message', data: 'a: b' }]],
  ]
  it.each(rows)('%s', async (_fact, pieces, events) => {
    expect(await read(...pieces)).toEqual(events)
  })
})
