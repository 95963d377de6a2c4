/** An open WebSocket of messages in bytes. */
export type Socket = {
  send(message: string): void
  /** What comes; ends when the connection does, however that is. */
  messages: AsyncIterable<string>
  close(): void
}

/** Opens one to a URL that an operator gave, http(s) or ws(s). Rejects with a sentence when that is not possible or the signal aborts. */
export type Dial = (request: {
  url: string
  headers: Readonly<Record<string, string>>
  signal: AbortSignal
}) => Promise<Socket>

/** The other side says that nobody shall come again (HTTP 410). */
export class Gone extends Error {
  override readonly name = 'Gone'
}
