import { execFile } from 'node:child_process'
import { createReadStream, mkdirSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { type Listening, listen } from './listen.ts'

const run = promisify(execFile)

export type ChartRepository = {
  port: number
  url: string
  /** Packages the charts (folders) and writes the index anew; versions already there stay. */
  publish(...charts: string[]): Promise<void>
  stop: () => Promise<void>
}

export type ChartRepositoryOptions = {
  /** Folder of `index.yaml` and the archives. Made when absent. */
  root: string
  /** Path of the helm binary, which packages and indexes. */
  helm: string
  /** Chart folders to publish at the start. */
  charts?: readonly string[]
  /** Default: a free one. */
  port?: number
  /** Asked for by Basic authentication. Open when left out. */
  auth?: { user: string; password: string }
}

/** A Helm chart repository on 127.0.0.1: real `helm package` and `helm repo index`, served as plain files. */
export async function startChartRepository(options: ChartRepositoryOptions): Promise<ChartRepository> {
  const { root, helm, charts = [] } = options
  const { port, stop } = await serveCharts(options)
  const url = `http://127.0.0.1:${port}`

  async function publish(...folders: string[]): Promise<void> {
    await publishCharts({ root, helm, url, charts: folders })
  }
  await publish(...charts)
  return { port, url, publish, stop }
}

/** Serves a folder of archives and their index as it is. */
export async function serveCharts(options: Pick<ChartRepositoryOptions, 'root' | 'port' | 'auth'>): Promise<Listening> {
  mkdirSync(options.root, { recursive: true })
  const server = createServer((request, response) => void serveFile(options, request, response))
  return await listen(server, options.port)
}

/** Packages chart folders into `root` and indexes all archives there under `url`. */
export async function publishCharts(options: {
  root: string
  helm: string
  url: string
  charts: readonly string[]
}): Promise<void> {
  const { root, helm, url, charts } = options
  mkdirSync(root, { recursive: true })
  for (const chart of charts) await run(helm, ['package', chart, '--destination', root])
  await run(helm, ['repo', 'index', root, '--url', url])
}

async function serveFile(
  { root, auth }: Pick<ChartRepositoryOptions, 'root' | 'auth'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const wanted = auth && `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}`
  if (wanted && request.headers.authorization !== wanted) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="charts"' }).end()
    return
  }
  // Only the last part of the path counts: the folder is flat and nothing above it can be named.
  const file = join(root, basename(new URL(request.url ?? '/', 'http://charts').pathname))
  try {
    const { size } = statSync(file)
    response.writeHead(200, { 'content-length': size, 'content-type': contentType(file) })
    await pipeline(createReadStream(file), response)
  } catch {
    if (!response.headersSent) response.writeHead(404)
    response.end()
  }
}

function contentType(file: string): string {
  return file.endsWith('.yaml') ? 'application/yaml' : 'application/gzip'
}
