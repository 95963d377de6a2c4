import { readFileSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import { Agent as TlsAgent, request as httpsRequest } from 'node:https'
import { parse } from 'yaml'
import { listen } from '../../playground/stack/listen.ts'
import type { Random } from './random.ts'

/** One request that went to the server. `status` is 0 until the answer came; `at` are monotonic milliseconds of ours. */
export type Passed = { method: string; path: string; status: number; at: number }

/** An HTTP server that stands before another one: counts requests and answers some of them itself. */
export type Gate = {
  port: number
  /** Requests that change something (not GET, HEAD or OPTIONS; no Leases), in the order in which they came. */
  writes(): readonly Passed[]
  /** All requests so far. */
  requests(): number
  /**
   * Called once, when the write of this number (1 is the next one), counting those to a path that matches, has been sent to the
   * server and nothing of its answer has been passed on.
   */
  atWrite(count: number, act: () => void, path?: RegExp): void
  /** Answers this share of the requests with the status, and never asks the server. */
  fail(status: number, share: number, random: Random): void
  close(): Promise<void>
}

export type GateTarget = {
  url: URL
  /** Added to each request. */
  headers?: Record<string, string>
  ca?: string
}

/** The API server of a kubeconfig; the gate adds the token, so that a client needs neither token nor TLS. */
export function apiServerOf(kubeconfig: string): GateTarget {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data'?: string } }[]
    users: { user: { token?: string } }[]
  }
  const [{ cluster } = { cluster: undefined }] = config.clusters
  const token = config.users[0]?.user.token
  if (!cluster || !token) throw new Error(`${kubeconfig} names no cluster with a token`)
  const ca = cluster['certificate-authority-data']
  return {
    url: new URL(cluster.server),
    headers: { authorization: `Bearer ${token}` },
    ...(ca ? { ca: Buffer.from(ca, 'base64').toString() } : {}),
  }
}

/** Starts one on a free port of 127.0.0.1. */
export async function startGate(target: GateTarget): Promise<Gate> {
  const tls = target.url.protocol === 'https:'
  const agent = tls
    ? new TlsAgent({ keepAlive: true, ...(target.ca ? { ca: target.ca } : { rejectUnauthorized: false }) })
    : new Agent({ keepAlive: true })
  const send = tls ? httpsRequest : httpRequest
  const writes: Passed[] = []
  const points: { left: number; act: () => void; path: RegExp }[] = []
  let failing: { status: number; share: number; random: Random } | undefined
  let requests = 0

  function passOn(incoming: IncomingMessage, response: ServerResponse, entry: Passed | undefined): void {
    const headers = { ...incoming.headers, ...target.headers, host: target.url.host }
    const options = { method: incoming.method ?? 'GET', headers, agent }
    const call = send(new URL(incoming.url ?? '/', target.url), options, (answer) => {
      if (entry) entry.status = answer.statusCode ?? 0
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
      answer.once('error', () => response.destroy())
    })
    call.once('error', () => response.destroy())
    response.once('close', () => call.destroy())
    incoming.pipe(call)
    if (entry) call.once('finish', () => reached(entry))
  }

  /** The write is sent; whoever counted on it acts before its answer is back. */
  function reached({ path }: Passed): void {
    for (const point of points.splice(0)) {
      if (point.path.test(path)) point.left -= 1
      if (point.left > 0) points.push(point)
      else point.act()
    }
  }

  const server = createServer((incoming, response) => {
    requests += 1
    const method = incoming.method ?? 'GET'
    const path = (incoming.url ?? '').split('?')[0] ?? ''
    if (failing && failing.random.next() < failing.share) {
      incoming.resume()
      response.writeHead(failing.status, { 'retry-after': '1', 'content-type': 'application/json' })
      response.end(JSON.stringify({ kind: 'Status', code: failing.status, message: 'refused by the test' }))
      return
    }
    const isWrite = !['GET', 'HEAD', 'OPTIONS'].includes(method) && !path.includes('coordination.k8s.io')
    const entry = isWrite ? { method, path, status: 0, at: performance.now() } : undefined
    if (entry) writes.push(entry)
    passOn(incoming, response, entry)
  })
  const { port, stop } = await listen(server)
  return {
    port,
    writes: () => writes,
    requests: () => requests,
    atWrite(count, act, path = /^/) {
      points.push({ left: count, act, path })
    },
    fail(status, share, random) {
      failing = share > 0 ? { status, share, random } : undefined
    },
    async close() {
      await stop()
      agent.destroy()
    },
  }
}
