import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A TCP cable between a client and one server, which can be broken in several ways. All faults act on bytes, not on requests. */
export type Cable = {
  port: number
  /** Connections made so far. */
  connections(): number
  /** Bytes that the server sent so far, over all connections. */
  received(): number
  /** Cuts every open connection with a reset. */
  cut(): void
  /** Resets new connections at once. */
  refuse(on: boolean): void
  /** Connections stay open, or are accepted, and nothing passes them; without this, open ones go on being dead and new ones work. */
  blackHole(which: 'open' | 'all' | 'none'): void
  /** Delays every piece of an answer by so many milliseconds. */
  latency(ms: number): void
  /** Share of new connections that are black-holed from their start, by the given source of chance. */
  blackHoleShare(share: number, random: () => number): void
  /** Lets so many bytes a second of each connection's answers pass. 0 is no limit. */
  throttle(bytesPerSecond: number): void
  /** Flips one bit of the byte at this place of what the server sends from now on, once. */
  corruptAt(offset: number): void
  /** Called once when the server has sent so many bytes from now on; with these bytes held back until it resolves. */
  at(offset: number, act: () => void | Promise<void>): void
  close(): Promise<void>
}

type Faults = {
  refusing: boolean
  holing: boolean
  latencyMs: number
  bytesPerSecond: number
  holeShare: number
  random: () => number
}

type Point = { offset: number; act?: () => void | Promise<void> }

/** Stands before `host:port` on a free port of 127.0.0.1. */
export async function startCable(target: { host: string; port: number }): Promise<Cable> {
  const faults: Faults = {
    refusing: false,
    holing: false,
    latencyMs: 0,
    bytesPerSecond: 0,
    holeShare: 0,
    random: () => 1,
  }
  const pairs = new Map<Socket, { server: Socket; dead: boolean }>()
  const points: Point[] = []
  let made = 0
  let total = 0

  /** What was asked for at a place of the stream of answers is done before the byte at that place goes on. */
  async function pass(bytes: Buffer): Promise<Buffer> {
    const [from, to] = [total, total + bytes.length]
    total = to
    for (const point of points.splice(0)) {
      if (point.offset >= to) points.push(point)
      else if (point.act) await point.act()
      else {
        const at = Math.max(0, point.offset - from)
        bytes[at] = (bytes[at] ?? 0) ^ 0x10
      }
    }
    return bytes
  }

  async function answer(client: Socket, server: Socket): Promise<void> {
    for await (const bytes of server) {
      const pair = pairs.get(client)
      if (!pair || pair.dead || faults.holing) continue
      if (faults.latencyMs > 0) await sleep(faults.latencyMs)
      const passed = await pass(bytes as Buffer)
      if (faults.bytesPerSecond > 0) await drip(client, passed, faults)
      else if (!client.destroyed) client.write(passed)
    }
    client.end()
  }

  const listener = createServer((client) => {
    made += 1
    client.on('error', () => {})
    if (faults.refusing) return void client.resetAndDestroy()
    const server = connect(target.port, target.host)
    const pair = { server, dead: faults.random() < faults.holeShare }
    pairs.set(client, pair)
    client.on('data', (bytes) => {
      if (!pair.dead && !faults.holing) server.write(bytes)
    })
    client.on('end', () => server.end())
    client.on('close', () => {
      pairs.delete(client)
      server.destroy()
    })
    server.on('error', () => client.destroy())
    answer(client, server).catch(() => client.destroy())
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))

  function cut(): void {
    for (const [client, { server }] of pairs) {
      client.resetAndDestroy()
      server.destroy()
    }
  }

  return {
    port: (listener.address() as AddressInfo).port,
    connections: () => made,
    received: () => total,
    cut,
    refuse(on) {
      faults.refusing = on
    },
    blackHole(which) {
      faults.holing = which === 'all'
      if (which !== 'none') for (const pair of pairs.values()) pair.dead = true
    },
    latency(ms) {
      faults.latencyMs = ms
    },
    blackHoleShare(share, random) {
      faults.holeShare = share
      faults.random = random
    },
    throttle(bytesPerSecond) {
      faults.bytesPerSecond = bytesPerSecond
    },
    corruptAt(offset) {
      points.push({ offset: total + offset })
    },
    at(offset, act) {
      points.push({ offset: total + offset, act })
    },
    async close() {
      cut()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}

async function drip(client: Socket, bytes: Buffer, faults: Faults): Promise<void> {
  const perTick = () => Math.max(1, Math.floor(faults.bytesPerSecond / 10))
  for (let from = 0; from < bytes.length && !client.destroyed; ) {
    const to = faults.bytesPerSecond > 0 ? from + perTick() : bytes.length
    client.write(bytes.subarray(from, to))
    from = to
    await sleep(100)
  }
}
