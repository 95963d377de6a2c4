import { describe, expect, it } from 'vitest'
import { authorized, createWorkbench } from './workbench.ts'

type Refresh = [url: string, payload: string | undefined, taken: number]
const refreshes: Refresh[] = [
  ['/api/v1/sync-git', undefined, 200],
  ['/api/flux/v11/notify', '{"Kind":"git","Source":{"URL":"https://git.example/a.git","Branch":"main"}}', 202],
]

function bench(openRefresh: boolean) {
  const clock = { at: Date.parse('2026-11-21T10:00:00Z') }
  const { app, queue } = createWorkbench({ app: { openRefresh, now: () => new Date(clock.at) } })
  const ask = async ([url, payload]: Refresh, headers = {}) =>
    await app.inject({ method: 'POST', url, headers, ...(payload ? { payload } : {}) })
  return { app, queue, clock, ask }
}

describe.each(refreshes)('a refresh by %s without a token (ruling 3)', (...refresh) => {
  const [, , taken] = refresh

  it('is refused where nobody opened it', async () => {
    const { ask, queue } = bench(false)
    expect((await ask(refresh)).statusCode).toBe(401)
    expect(queue.requests).toEqual([])
  })

  it('is taken where it was opened, and tells nothing', async () => {
    const { ask, queue } = bench(true)
    const answer = await ask(refresh)
    expect([answer.statusCode, answer.body]).toEqual([taken, taken === 200 ? 'OK' : ''])
    expect(queue.requests).toContainEqual(expect.objectContaining({ kind: 'fetch-source', name: 'default' }))
  })

  it('is held to a token that it brings', async () => {
    const { ask } = bench(true)
    expect((await ask(refresh, { authorization: 'Bearer wrong' })).statusCode).toBe(401)
    expect((await ask(refresh, authorized)).statusCode).toBe(taken)
  })

  it('is taken 12 times a minute from all together, and always with a token', async () => {
    const { ask, clock, queue } = bench(true)
    for (let turn = 0; turn < 6; turn++) for (const one of refreshes) expect((await ask(one)).statusCode).toBe(one[2])
    const asked = queue.requests.length
    clock.at += 59_000
    const late = await ask(refresh)
    expect([late.statusCode, late.headers['retry-after']]).toEqual([429, '60'])
    expect(queue.requests).toHaveLength(asked)
    expect((await ask(refresh, authorized)).statusCode).toBe(taken)
    clock.at += 1000
    expect((await ask(refresh)).statusCode).toBe(taken)
  })
})

describe('what is open where refreshes are', () => {
  it.each([
    ['GET', '/api/v1/sync-git'],
    ['GET', '/api/v1/status'],
    ['GET', '/api/v1/jobs'],
    ['POST', '/api/v1/sources/capstan-system/default/sync'],
    ['POST', '/api/v1/images/notify'],
    ['GET', '/api/flux/v11/notify'],
    ['GET', '/api/flux/v6/services'],
    ['POST', '/api/flux/v9/update-manifests'],
  ] as const)('is not %s %s', async (method, url) => {
    const { app } = bench(true)
    expect((await app.inject({ method, url })).statusCode).toBe(401)
  })
})
