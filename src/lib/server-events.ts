/** One server-sent event. */
export type ServerEvent = { id: string; event: string; data: string }

/** Reads server-sent events out of pieces of a stream (WHATWG HTML, 9.2.6); what was not ended is not told. */
export async function* readServerEvents(pieces: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let rest = ''
  let id = ''
  let [event, data] = ['', [] as string[]]
  for await (const piece of pieces) {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') }
        ;[event, data] = ['', []]
        continue
      }
      const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
      if (field === 'id' && !value.includes('\0')) id = value
      if (field === 'event') event = value
      if (field === 'data') data.push(value)
    }
  }
}
