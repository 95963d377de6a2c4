// A receiver as Fluxcloud is one: takes fluxd's events, makes a message of each and shows it. A chat would get it in place of this log.
import { createServer, type IncomingMessage } from 'node:http'
import { parseArgs } from 'node:util'
import { listen } from '../../stack/listen.ts'

/** An event as fluxd sends it; of its metadata only what is shown. */
type FluxEvent = {
  serviceIDs: string[]
  type: string
  startedAt: string
  metadata: {
    commits?: { revision: string; message: string }[] | null
    errors?: { ID: string; Path: string; Error: string }[] | null
    revision?: string
    Revision?: string
  } | null
}

type Shown = { type: string; at: string; text: string }

const mostShown = 100
const mostBytes = 1024 * 1024
const shown: Shown[] = []

const { values } = parseArgs({ options: { port: { type: 'string' } } })
const server = createServer((request, response) => {
  const answer = (status: number, body: string) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  if (request.method === 'POST' && request.url === '/v6/events') {
    take(request).then(
      () => answer(200, '{}'),
      (error: unknown) => answer(400, JSON.stringify({ error: String(error) })),
    )
  } else if (request.method === 'GET' && request.url === '/') answer(200, JSON.stringify(shown, undefined, 2))
  else answer(404, '{"error":"POST /v6/events takes events, GET / shows the last ones"}')
})
const { port } = await listen(server, Number(values.port))
console.log(`events are taken on http://127.0.0.1:${port}/v6/events and shown on http://127.0.0.1:${port}/`)

async function take(request: IncomingMessage): Promise<void> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new Error('the event is too large')
    chunks.push(chunk)
  }
  const event = JSON.parse(Buffer.concat(chunks).toString()) as FluxEvent
  const text = messageOf(event)
  shown.unshift({ type: event.type, at: event.startedAt, text })
  shown.splice(mostShown)
  console.log(`${text}\n`)
}

/** In the words of Fluxcloud's messages. */
function messageOf({ type, serviceIDs, metadata }: FluxEvent): string {
  const { commits, errors, revision, Revision } = metadata ?? {}
  const short = (commit: string) => commit.slice(0, 7)
  const head = revision ?? Revision ?? commits?.[0]?.revision ?? ''
  return [
    'Applied flux changes to cluster',
    `Event: ${type}${head === '' ? '' : ` ${short(head)}`}`,
    ...part(
      'Commits',
      commits?.map((commit) => `${short(commit.revision)}: ${commit.message}`),
    ),
    ...part('Resources updated', serviceIDs),
    ...part(
      'Errors',
      errors?.map(({ ID, Path, Error: why }) => `${ID} (${Path}): ${why}`),
    ),
  ].join('\n')
}

function part(title: string, lines: readonly string[] | undefined): string[] {
  return lines && lines.length > 0 ? [`${title}:`, ...lines.map((line) => `  ${line}`)] : []
}
