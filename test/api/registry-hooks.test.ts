import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startRegistry } from '../../playground/stack/registry.ts'
import { until } from '../../playground/stack/until.ts'
import { imageHookKey } from '../../src/api/routes/registry-hooks.ts'
import { sign } from '../../src/api/signature.ts'
import { pushImage } from '../registry/push-image.ts'
import { createWorkbench, webhookSecret } from './workbench.ts'

type Bench = ReturnType<typeof createWorkbench>

const hub = JSON.stringify({ push_data: { tag: '1.0.0' }, repository: { repo_name: 'team/app' } })
const path = '/hooks/v1/images/push'
const keyed = (secret = webhookSecret) => `${path}/${imageHookKey(secret)}`
const scanned = {
  kind: 'scan-image',
  namespace: '',
  name: 'index.docker.io/team/app',
  reason: 'push of tag 1.0.0',
  lane: 'webhook',
}

async function send({ app }: Bench, call: { url?: string; headers?: Record<string, string>; body?: string }) {
  const { url = path, headers = {}, body = hub } = call
  const answer = await app.inject({
    method: 'POST',
    url,
    payload: body,
    headers: { 'content-type': 'application/json', ...headers },
  })
  return { status: answer.statusCode, body: answer.json<{ jobIds?: string[]; reason?: string }>() }
}

describe('the webhook of image registries', () => {
  it.each<[string, { url?: string; headers?: Record<string, string> }]>([
    ['a signature of GitHub', { headers: { 'x-hub-signature-256': sign(Buffer.from(hub), webhookSecret) } }],
    ['a signature of our own', { headers: { 'x-capstan-signature-256': sign(Buffer.from(hub), webhookSecret) } }],
    ['the header of Harbor', { headers: { authorization: webhookSecret } }],
    ['the header of distribution', { headers: { authorization: `Bearer ${webhookSecret}` } }],
    ['a URL with the key', { url: keyed() }],
  ])('is proved by %s and scans that repository alone', async (_, call) => {
    const bench = createWorkbench()
    const answer = await send(bench, call)
    expect(answer).toEqual({ status: 202, body: { jobIds: bench.queue.jobs.map(({ id }) => id) } })
    expect(bench.queue.requests).toEqual([scanned])
  })

  it.each<[string, { url?: string; headers?: Record<string, string> }]>([
    ['nothing', {}],
    ['a signature of another body', { headers: { 'x-hub-signature-256': sign(Buffer.from('{}'), webhookSecret) } }],
    ['a signature by another secret', { headers: { 'x-hub-signature-256': sign(Buffer.from(hub), 'other') } }],
    ['another secret', { headers: { authorization: 'Bearer other' } }],
    ['an empty header', { headers: { authorization: 'Bearer ' } }],
    ['the key of another secret', { url: keyed('other') }],
    ['the secret in the URL', { url: `${path}/${webhookSecret}` }],
    ['the key in the header', { headers: { authorization: imageHookKey(webhookSecret) } }],
    ['the key in the query', { url: `${path}?key=${imageHookKey(webhookSecret)}` }],
  ])('is not proved by %s', async (_, call) => {
    const bench = createWorkbench()
    expect((await send(bench, call)).status).toBe(401)
    expect(bench.queue.requests).toEqual([])
  })

  it('is proved by nothing where there is no secret', async () => {
    const bench = createWorkbench({ app: { webhookSecret: () => '' } })
    expect((await send(bench, { url: keyed('') })).status).toBe(401)
    expect((await send(bench, { headers: { authorization: '' } })).status).toBe(401)
  })

  it('looks at no body before the proof, and refuses one that no registry sends', async () => {
    const bench = createWorkbench()
    expect((await send(bench, { body: '{' })).status).toBe(401)
    expect(await send(bench, { url: keyed(), body: '{' })).toMatchObject({
      status: 400,
      body: { reason: 'InvalidRequest' },
    })
    expect((await send(bench, { url: keyed(), body: '{"ref":"refs/heads/main"}' })).status).toBe(400)
    expect(bench.queue.requests).toEqual([])
  })

  it('works on a delivery once', async () => {
    const bench = createWorkbench()
    const headers = { 'x-github-delivery': 'abc', 'x-hub-signature-256': sign(Buffer.from(hub), webhookSecret) }
    await send(bench, { headers })
    expect(await send(bench, { headers })).toEqual({ status: 202, body: { jobIds: [] } })
    expect(bench.queue.requests).toHaveLength(1)
  })

  it('takes so many pushes of a repository in a minute, and those of others besides', async () => {
    const bench = createWorkbench()
    for (let n = 0; n < 60; n++) await send(bench, { url: keyed() })
    expect((await send(bench, { url: keyed() })).status).toBe(429)
    expect((await send(bench, { url: keyed(), body: hub.replace('team/app', 'team/other') })).status).toBe(202)
  })

  it('scans nothing where images are not done', async () => {
    const bench = createWorkbench({ enable: ['sync'] })
    expect(await send(bench, { url: keyed() })).toEqual({ status: 202, body: { jobIds: [] } })
  })

  it('of the real registry asks for a scan of what was pushed to it', async () => {
    const bench = createWorkbench()
    await bench.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = bench.app.server.address() as AddressInfo
    const directory = mkdtempSync(join(tmpdir(), 'capstan-hooks-'))
    const notify = { url: `http://127.0.0.1:${port}${path}`, headers: { Authorization: `Bearer ${webhookSecret}` } }
    const registry = await startRegistry({ binary: 'docker-registry', directory, notify })
    try {
      await pushImage(registry.host, 'team/app', '1.0.0')
      // the parts of an image are told of before its tag
      const isTold = async () => bench.queue.requests.some(({ reason }) => reason === 'push of tag 1.0.0')
      await until('the scan', isTold)
      const names = new Set(bench.queue.requests.map(({ kind, name }) => `${kind} ${name}`))
      expect([...names]).toEqual([`scan-image ${registry.host}/team/app`])
    } finally {
      await registry.stop()
      await bench.app.close()
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
