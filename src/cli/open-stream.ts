import { type Transport, Unreachable } from '../api/client.ts'

type Stream = NonNullable<Transport['stream']>
type Request = Parameters<Stream>[0]

/** The server says something at least every 15 s; a stream that says nothing for so long is dead. */
const silentMs = 45_000

/** Opens a stream of text. Its pieces end with the stream; what breaks it is {@link Unreachable}. */
export async function openStream(
  { url, token }: { url: string; token: string },
  { path, accept, headers, signal }: Request,
  {
    send,
    parse,
    causeOf,
  }: {
    send: typeof fetch
    parse: (text: string) => unknown
    causeOf: (error: unknown) => string
  },
): ReturnType<Stream> {
  const silence = new AbortController()
  const broken = (error: unknown): unknown => {
    if (signal?.aborted) return error
    const why = silence.signal.aborted ? `nothing came for ${silentMs / 1000} s` : causeOf(error)
    return new Unreachable(`Capstan is not reached at ${url}: ${why}.`, { cause: error })
  }
  let timer = setTimeout(() => silence.abort(), silentMs)
  try {
    const response = await send(`${url}${path}`, {
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
      headers: { ...headers, accept, ...(token ? { authorization: `Bearer ${token}` } : {}) },
    })
    const type = response.headers.get('content-type') ?? ''
    if (response.ok && type.startsWith(accept) && response.body) return { pieces: piecesOf(response.body) }
    const body = parse(await response.text())
    clearTimeout(timer)
    return { status: response.ok ? 502 : response.status, body }
  } catch (error) {
    clearTimeout(timer)
    throw broken(error)
  }

  async function* piecesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
    const decoder = new TextDecoder()
    try {
      for await (const bytes of body) {
        clearTimeout(timer)
        timer = setTimeout(() => silence.abort(), silentMs)
        yield decoder.decode(bytes, { stream: true })
      }
    } catch (error) {
      throw broken(error)
    } finally {
      clearTimeout(timer)
    }
  }
}
