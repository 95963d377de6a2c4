import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'

/** A cable between a client and the API server, which can be cut in several ways. */
export type TcpProxy = {
  /** A kubeconfig that leads through the proxy. */
  kubeconfig: string
  /** Connections made so far. */
  connections(): number
  /** Connections open now. */
  open(): number
  /** Cuts every open connection with a reset. */
  drop(): void
  /** Open connections stay open, and nothing passes them any more. New ones work. */
  blackHole(): void
  /** Refuse: resets new connections at once. */
  refuse(on: boolean): void
  close(): Promise<void>
}

type Pair = { client: Socket; server: Socket }

/** `kubeconfig` is the file of the server to stand before. */
export async function startTcpProxy(kubeconfig: string): Promise<TcpProxy> {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] }
  const [first] = config.clusters
  if (!first) throw new Error('the kubeconfig has no cluster')
  const target = new URL(first.cluster.server)
  const pairs = new Set<Pair>()
  let refusing = false
  let made = 0

  const listener = createServer((client) => {
    made += 1
    client.on('error', () => {})
    if (refusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect(Number(target.port), target.hostname)
    const pair = { client, server }
    pairs.add(pair)
    server.on('error', () => client.destroy())
    client.on('close', () => {
      pairs.delete(pair)
      server.destroy()
    })
    server.on('close', () => client.destroy())
    client.pipe(server)
    server.pipe(client)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))

  const folder = mkdtempSync(join(tmpdir(), 'capstan-proxy-'))
  const file = join(folder, 'kubeconfig')
  first.cluster.server = `https://127.0.0.1:${(listener.address() as AddressInfo).port}`
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })

  function drop(): void {
    for (const { client, server } of pairs) {
      client.resetAndDestroy()
      server.destroy()
    }
  }

  return {
    kubeconfig: file,
    connections: () => made,
    open: () => pairs.size,
    drop,
    blackHole() {
      for (const { client, server } of pairs) {
        client.unpipe(server)
        server.unpipe(client)
        client.pause()
        server.pause()
      }
    },
    refuse(on) {
      refusing = on
    },
    async close() {
      drop()
      await new Promise((resolve) => listener.close(resolve))
      rmSync(folder, { recursive: true })
    },
  }
}
