import { setTimeout } from 'node:timers/promises'
import { Agent } from 'undici'
import { until } from '../../playground/stack/until.ts'
import type { BareAccess } from './bare-client.ts'

/** Requests that the API server has answered so far. A list or watch is one read, whatever it holds; watches are not counted again. */
export type Requests = { reads: number; writes: number }

/** What Capstan works on, and where it keeps what it knows. Leases and the API server's own business are not among them. */
const kinds = new Set([
  'configmaps',
  'customresourcedefinitions',
  'deployments',
  'events',
  'helmreleases',
  'ingresses',
  'namespaces',
  'secrets',
  'serviceaccounts',
  'services',
  'sources',
])
const ours = new Set(['helmreleases', 'sources'])
const reading = new Set(['GET', 'LIST'])
const writing = new Set(['APPLY', 'PATCH', 'POST', 'PUT', 'DELETE'])

const restMs = 2_000

/** As the API server counts them itself. */
export async function countRequests(access: BareAccess): Promise<Requests> {
  const agent = new Agent({ connect: access.ca ? { ca: access.ca } : { rejectUnauthorized: false } })
  const { body } = await agent.request({
    origin: access.server,
    path: '/metrics',
    method: 'GET',
    headers: { authorization: `Bearer ${access.token}` },
  })
  const text = await body.text()
  await agent.close()
  const counted = { reads: 0, writes: 0 }
  for (const line of text.split('\n')) {
    const resource = label(line, 'resource')
    if (!line.startsWith('apiserver_request_total{') || !kinds.has(resource)) continue
    // Kubernetes' own controllers keep the status of what they look after
    if (label(line, 'subresource') !== '' && !ours.has(resource)) continue
    const verb = label(line, 'verb')
    const count = Number(line.split(' ').at(-1))
    if (reading.has(verb)) counted.reads += count
    if (writing.has(verb)) counted.writes += count
  }
  return counted
}

/** Kubernetes' controllers go on for minutes with thousands of new Deployments. */
export async function untilAtRest(access: BareAccess): Promise<void> {
  await until(
    'the API server is at rest',
    async () => {
      const before = await countRequests(access)
      await setTimeout(restMs)
      return (await countRequests(access)).writes === before.writes
    },
    { timeoutMs: 900_000 },
  )
}

/** Begins once nobody else writes: Kubernetes' controllers go on for a while after a change. */
export async function requestsDuring<T>(access: BareAccess, work: () => Promise<T>): Promise<Requests & { result: T }> {
  await untilAtRest(access)
  const before = await countRequests(access)
  const result = await work()
  const after = await countRequests(access)
  return { result, reads: after.reads - before.reads, writes: after.writes - before.writes }
}

function label(line: string, name: string): string {
  return new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? ''
}
