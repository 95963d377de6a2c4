import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { buildWithFlux } from '../stack/go-program.ts'

const source = fileURLToPath(new URL('service.go', import.meta.url))

/** What the service says about a call. */
export type Answer = { result?: unknown; error?: string; type?: string; help?: string }

/** A service of `--connect`, made of fluxd's own packages. */
export type Service = {
  url: string
  /** Each connection as it was asked for. */
  connections: { authorization: string; path: string; agent: string }[]
  call(name: string, arg?: unknown): Promise<Answer>
  stop(): void
}

/** Builds the service, once for each version of its source, and starts it. */
export async function startService(): Promise<Service> {
  const child = spawn(await buildWithFlux(source, 'flux-service'), { stdio: ['pipe', 'pipe', 'inherit'] })
  const connections: Service['connections'] = []
  const waiting: PromiseWithResolvers<Answer>[] = []
  const { promise: started, resolve: start } = Promise.withResolvers<string>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Answer & { url?: string; connected?: Service['connections'][0] }
    if (said.url !== undefined) start(said.url)
    else if (said.connected) connections.push(said.connected)
    else waiting.shift()?.resolve(said)
  })
  child.once('exit', () => waiting.splice(0).forEach(({ reject }) => reject(new Error('the service has ended'))))
  return {
    url: await started,
    connections,
    call(name, arg) {
      const answer = Promise.withResolvers<Answer>()
      waiting.push(answer)
      child.stdin.write(`${JSON.stringify({ Call: name, Arg: arg })}\n`)
      return answer.promise
    },
    stop: () => void child.kill(),
  }
}
