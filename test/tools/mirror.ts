import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { listen } from '../../playground/stack/listen.ts'

export type Mirror = {
  url: string
  /** Paths that were asked for, in order. */
  asked: string[]
  /** What is at a path. */
  files: Map<string, Buffer>
  stop: () => Promise<void>
}

/** A server that stands for the hosts of release files; like them it answers 404 for what it has not. */
export async function startMirror(): Promise<Mirror> {
  const asked: string[] = []
  const files = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    asked.push(path)
    const file = files.get(path)
    response.writeHead(file ? 200 : 404).end(file)
  })
  const { port, stop } = await listen(server)
  return { url: `http://127.0.0.1:${port}`, asked, files, stop }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
