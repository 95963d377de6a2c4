import { createServer } from 'node:http'
import { type Listening, listen } from '../../playground/stack/listen.ts'

/** A registry that gives every request the same answer: 401 or 429. */
export type MoodyRegistry = Listening & { host: string }

export async function startMoodyRegistry(status: 401 | 429): Promise<MoodyRegistry> {
  const headers = status === 401 ? { 'www-authenticate': 'Basic realm="moody"' } : { 'retry-after': '600' }
  const server = createServer((_request, response) => response.writeHead(status, headers).end('{"errors":[]}'))
  const listening = await listen(server)
  return { ...listening, host: `127.0.0.1:${listening.port}` }
}
