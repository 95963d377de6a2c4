import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { sign } from '../../src/api/signature.ts'
import { createWorkbench, webhookSecret } from './workbench.ts'

function push(
  app: ReturnType<typeof createWorkbench>['app'],
  call: { source?: string; body?: Buffer | string; signature?: string; header?: string },
) {
  const {
    source = 'default',
    body = '{}',
    signature = sign(Buffer.from(body), webhookSecret),
    header = 'x-capstan-signature-256',
  } = call
  return app.inject({
    method: 'POST',
    url: `/hooks/v1/${source}`,
    payload: body,
    headers: { 'content-type': 'application/json', [header]: signature },
  })
}

describe('the push webhook', () => {
  it('fetches the source of that name, in the lane of webhooks', async () => {
    const { app, queue } = createWorkbench()
    const answer = await push(app, {})
    expect(answer.statusCode).toBe(202)
    expect(answer.json()).toEqual({ jobIds: [queue.jobs[0]?.id] })
    expect(queue.requests).toEqual([
      { kind: 'fetch-source', namespace: 'capstan-system', name: 'default', reason: 'push', lane: 'webhook' },
    ])
  })

  it.each(['{"a":', '', '\u0000\u0001', 'ref=main', '[]'])('never parses the body: %j', async (body) => {
    expect((await push(createWorkbench().app, { body })).statusCode).toBe(202)
  })

  it('takes any content type, and the header that git forges send', async () => {
    const { app } = createWorkbench()
    expect((await push(app, { header: 'x-hub-signature-256' })).statusCode).toBe(202)
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-capstan-signature-256': sign(Buffer.from('a=b'), webhookSecret),
    }
    expect((await app.inject({ method: 'POST', url: '/hooks/v1/default', payload: 'a=b', headers })).statusCode).toBe(
      202,
    )
  })

  it('refuses a signature with any one bit turned', async () => {
    const { app, queue } = createWorkbench({ app: { now: () => new Date(Date.now() + clock++ * 60_000) } })
    let clock = 0
    const body = '{"ref":"refs/heads/main"}'
    const [, hex = ''] = sign(Buffer.from(body), webhookSecret).split('=')
    for (let bit = 0; bit < 256; bit++) {
      const bytes = Buffer.from(hex, 'hex')
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      const answer = await push(app, { body, signature: `sha256=${bytes.toString('hex')}` })
      expect([bit, answer.statusCode]).toEqual([bit, 401])
    }
    expect(queue.requests).toEqual([])
  })

  it('refuses a body with any one bit turned', async () => {
    const { app } = createWorkbench({ app: { now: () => new Date(Date.now() + clock++ * 60_000) } })
    let clock = 0
    const good = Buffer.from('{"ref":"x"}')
    for (let bit = 0; bit < good.length * 8; bit++) {
      const body = Buffer.from(good)
      body[bit >> 3] = (body[bit >> 3] as number) ^ (1 << (bit & 7))
      expect([bit, (await push(app, { body, signature: sign(good, webhookSecret) })).statusCode]).toEqual([bit, 401])
    }
  })

  it.each<[string, string]>([
    ['empty', ''],
    ['without its prefix', sign(Buffer.from('{}'), webhookSecret).slice(7)],
    ['cut', sign(Buffer.from('{}'), webhookSecret).slice(0, -1)],
    ['by another secret', sign(Buffer.from('{}'), 'other')],
    ['by no secret', sign(Buffer.from('{}'), '')],
    ['of something else', sign(Buffer.from('{ }'), webhookSecret)],
  ])('refuses a signature that is %s', async (_what, signature) => {
    const answer = await push(createWorkbench().app, { signature })
    expect(answer.statusCode).toBe(401)
    expect(answer.json()).toMatchObject({ reason: 'Unauthorized' })
  })

  it('accepts nothing while there is no secret', async () => {
    const { app } = createWorkbench({ app: { webhookSecret: () => '' } })
    expect((await push(app, { signature: sign(Buffer.from('{}'), '') })).statusCode).toBe(401)
  })

  it('tells only those who can sign which sources exist', async () => {
    const { app } = createWorkbench()
    expect((await push(app, { source: 'other', signature: 'sha256=00' })).statusCode).toBe(401)
    expect((await push(app, { source: 'other' })).statusCode).toBe(404)
  })

  it('takes one megabyte and not more', async () => {
    const { app } = createWorkbench()
    const most = randomBytes(1024 * 1024)
    expect((await push(app, { body: most })).statusCode).toBe(202)
    expect((await push(app, { body: Buffer.concat([most, Buffer.from('x')]) })).statusCode).toBe(413)
  })

  it('asks a caller that comes too often to wait', async () => {
    const { app } = createWorkbench()
    const statuses = new Set<number>()
    for (let call = 0; call < 121; call++) statuses.add((await push(app, {})).statusCode)
    expect([...statuses]).toEqual([202, 429])
  })

  it('says 503 when Redis is away, so that the sender tries again', async () => {
    const { app, queue } = createWorkbench()
    queue.goAway()
    const answer = await push(app, {})
    expect([answer.statusCode, answer.json().reason]).toEqual([503, 'RedisUnavailable'])
    expect(answer.headers['retry-after']).toBe('5')
  })
})
