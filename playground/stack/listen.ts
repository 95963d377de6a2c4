import type { Server } from 'node:http'
import { freePort } from './ports.ts'

export type Listening = { port: number; stop: () => Promise<void> }

/** Lets a server listen on 127.0.0.1, on the port given or a free one. `stop` ends open connections too. */
export async function listen(server: Server, port?: number): Promise<Listening> {
  const chosen = port ?? (await freePort())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(chosen, '127.0.0.1', resolve)
  })
  return {
    port: chosen,
    async stop() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}
