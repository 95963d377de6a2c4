import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorized, createWorkbench, token } from './workbench.ts'

const { app } = createWorkbench()
let port: number

beforeAll(async () => {
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
})
afterAll(async () => await app.close())

function open(): Socket {
  return connect(port, '127.0.0.1')
}

/** Sends bytes as they are; gives status and problem. */
async function raw(bytes: string) {
  const socket = open()
  socket.write(bytes)
  const answer = await text(socket)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return {
    status: Number(head.split(' ')[1]),
    head: head.toLowerCase(),
    problem: JSON.parse(body) as { reason: string },
  }
}

const host = `host: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n`

describe('what no route sees', () => {
  it.each([
    [
      'headers that are too large',
      `GET /healthz HTTP/1.1\r\n${host}x: ${'y'.repeat(17_000)}\r\n\r\n`,
      431,
      'HeadersTooLarge',
    ],
    ['bytes that are no HTTP', 'nonsense\r\n\r\n', 400, 'InvalidRequest'],
    [
      'a path that cannot be read',
      `GET /api/v1/sources/%ff/x HTTP/1.1\r\nconnection: close\r\n${host}\r\n`,
      400,
      'InvalidRequest',
    ],
  ])('%s are told as a problem', async (_what, bytes, status, reason) => {
    const answer = await raw(bytes)
    expect([answer.status, answer.problem.reason]).toEqual([status, reason])
    expect(answer.head).toContain('content-type: application/problem+json')
  })
})

describe('a method that a path does not take', () => {
  it.each([
    ['DELETE', '/api/v1/sources', 'GET, HEAD'],
    ['POST', '/api/v1/status', 'GET, HEAD'],
    ['GET', '/api/v1/sources/a/b/sync', 'POST'],
    ['OPTIONS', '/api/v1/jobs/x', 'GET, HEAD'],
    ['PUT', '/hooks/v1/x', 'POST'],
  ] as const)('%s %s is told with those that it takes', async (method, url, allow) => {
    const answer = await app.inject({ method, url: `${url}?a=b`, headers: authorized })
    expect([answer.statusCode, answer.headers.allow, answer.json().reason]).toEqual([405, allow, 'MethodNotAllowed'])
    expect((await app.inject({ method, url })).statusCode).toBe(401)
  })

  it('is told nowhere else', async () => {
    const answer = await app.inject({ url: '/api/v1/sources/a/b/sync/c', headers: authorized })
    expect([answer.statusCode, answer.headers.allow]).toEqual([404, undefined])
  })
})

describe('a thousand sockets that send nothing (hazard L9)', () => {
  it('keep nobody waiting', async () => {
    const slow = Array.from({ length: 1_000 }, open)
    let ended = 0
    for (const socket of slow)
      socket
        .on('error', () => {})
        .on('close', () => ended++)
        .write(`GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n`)
    const endedBefore: number[] = []
    for (let round = 0; round < 50; round++) {
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
      endedBefore.push(ended)
    }
    for (const socket of slow) socket.destroy()
    // it was answered while all of them went on
    expect(endedBefore[0]).toBe(0)
  })
})
