import { describe, expect, it } from 'vitest'
import { createInFlight, type InFlight, type Urgency } from './limit.ts'

/** Lets every promise that can go on do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

type Taker = {
  started: string[]
  take(name: string, urgency: Urgency, signal?: AbortSignal): void
  end(name: string): Promise<void>
}

function takerOn(inFlight: InFlight): Taker {
  const started: string[] = []
  const ends = new Map<string, () => void>()
  return {
    started,
    take(name, urgency, signal) {
      inFlight.take(urgency, signal).then(
        (end) => {
          started.push(name)
          ends.set(name, end)
        },
        () => started.push(`${name} aborted`),
      )
    },
    async end(name) {
      ends.get(name)?.()
      await settle()
    },
  }
}

describe('requests in flight', () => {
  it('start up to the limit, then as others end: reads first, each kind in order', async () => {
    const taker = takerOn(createInFlight(2, () => 0))
    for (const [name, urgency] of [
      ['w1', 'write'],
      ['w2', 'write'],
      ['w3', 'write'],
      ['w4', 'write'],
      ['r1', 'read'],
      ['r2', 'read'],
    ] as const) {
      taker.take(name, urgency)
    }
    await settle()
    expect(taker.started).toEqual(['w1', 'w2'])
    for (const name of ['w1', 'w2', 'r1', 'r2']) await taker.end(name)
    expect(taker.started).toEqual(['w1', 'w2', 'r1', 'r2', 'w3', 'w4'])
  })

  it('let a Lease pass at once', async () => {
    const taker = takerOn(createInFlight(1, () => 0))
    taker.take('w1', 'write')
    taker.take('w2', 'write')
    taker.take('lease', 'urgent')
    await settle()
    expect(taker.started).toContain('lease')
    expect(taker.started).not.toContain('w2')
  })

  it('leave the queue when their caller stops, and give a place back only once', async () => {
    const inFlight = createInFlight(1, () => 0)
    const taker = takerOn(inFlight)
    const stop = new AbortController()
    taker.take('w1', 'write')
    taker.take('w2', 'write', stop.signal)
    taker.take('w3', 'write')
    taker.take('w4', 'write')
    await settle()
    stop.abort()
    await settle()
    expect(taker.started).toEqual(['w1', 'w2 aborted'])
    await taker.end('w1')
    await taker.end('w1')
    expect(taker.started).toEqual(['w1', 'w2 aborted', 'w3'])
  })

  it('are halved when the server asks, once a second, never below one, and rise slowly', () => {
    let now = 0
    const inFlight = createInFlight(8, () => now)
    inFlight.slowDown()
    inFlight.slowDown()
    expect(inFlight.size()).toBe(4)
    for (let second = 1; second <= 5; second++) {
      now = second * 1000
      inFlight.slowDown()
    }
    expect(inFlight.size()).toBe(1)
    inFlight.accepted()
    expect(inFlight.size()).toBe(2)
    inFlight.accepted()
    expect(inFlight.size()).toBe(2)
    inFlight.accepted()
    expect(inFlight.size()).toBe(3)
    for (let answer = 0; answer < 1000; answer++) inFlight.accepted()
    expect(inFlight.size()).toBe(8)
  })
})
