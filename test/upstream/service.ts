import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { takeFileLock } from '../../playground/stack/file-lock.ts'
import { until } from '../../playground/stack/until.ts'
import { toolsFolder } from '../../playground/tools/cache.ts'
import { createGoBuilder } from '../../playground/tools/go-build.ts'
import { tools } from '../../playground/tools/table.ts'

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
  const child = spawn(await build(), { stdio: ['pipe', 'pipe', 'inherit'] })
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

async function build(): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)
  const folder = join(toolsFolder(), `flux-service-${digest}`)
  const program = join(folder, 'flux-service')
  mkdirSync(join(folder, 'module'), { recursive: true })
  const lock = await lockOf(join(folder, 'lock'))
  try {
    if (existsSync(program)) return program
    const { go } = tools.fluxctl
    if (!go) throw new Error('fluxctl is built from no module')
    cpSync(source, join(folder, 'module', 'main.go'))
    await createGoBuilder().build({ ...go, package: '.', ldflags: [] }, { folder, name: 'flux-service' })
    return program
  } finally {
    lock.release()
  }
}

async function lockOf(file: string): Promise<{ release(): void }> {
  let held: { release(): void } | undefined
  await until('nobody else builds it', async () => {
    const lock = takeFileLock(file)
    if ('release' in lock) held = lock
    return held !== undefined
  })
  return held as { release(): void }
}
