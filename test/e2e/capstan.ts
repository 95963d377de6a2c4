import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../playground/stack/ports.ts'
import { stack } from '../stack/stack.ts'
import { until } from '../../playground/stack/until.ts'
import { removeFolder } from '../stack/remove-folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** One real `capstan run` as a child process, with its own namespace, Redis prefix and state directory. */
export type Capstan = {
  url: string
  token: string
  namespace: string
  directory: string
  /** Everything that it printed so far. */
  logFile: string
  pid(): number
  /** GET or POST on its API, as JSON. */
  api<T>(path: string, method?: 'GET' | 'POST'): Promise<T>
  /** `capstan <args>` against it: exit code and what was printed. */
  cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>
  kill(signal: NodeJS.Signals): Promise<number | null>
  /** Starts the process again after a kill, with the same flags. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Starts Capstan with these flags besides the ones that every test needs; resolves when `/readyz` is 200. */
export async function startCapstan(
  flags: readonly string[],
  options: { redisUrl?: string; kubeconfig?: string; env?: Record<string, string> } = {},
): Promise<Capstan> {
  const id = randomBytes(4).toString('hex')
  const directory = mkdtempSync(join(tmpdir(), `capstan-e2e-${id}-`))
  const token = randomBytes(16).toString('hex')
  const tokenFile = join(directory, 'token')
  writeFileSync(tokenFile, token, { mode: 0o600 })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const namespace = `capstan-${id}`
  const logFile = join(directory, 'capstan.log')
  const { kubeconfig, redisUrl, helm, binDir } = stack()
  const argv = [
    join(root, 'bin/capstan.mjs'),
    'run',
    `--listen=127.0.0.1:${port}`,
    `--namespace=${namespace}`,
    // the cluster is shared: Source objects of other tests are not ours
    `--source-namespaces=${namespace}`,
    `--kubeconfig=${options.kubeconfig ?? kubeconfig}`,
    `--redis-url=${options.redisUrl ?? redisUrl}`,
    `--redis-prefix={capstan-${id}}`,
    `--token-file=${tokenFile}`,
    `--state-dir=${directory}`,
    `--helm-binary=${helm}`,
    '--shutdown-grace=5s',
    ...flags,
  ]
  const env = { ...process.env, PATH: `${binDir}:${process.env.PATH ?? ''}`, ...options.env }
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const started = spawn(process.execPath, argv, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const log = createWriteStream(logFile, { flags: 'a' })
    started.stdout.pipe(log, { end: false })
    started.stderr.pipe(log, { end: false })
    child = started
    await until(`capstan is ready at ${url} (log: ${logFile})`, async () => {
      if (started.exitCode !== null) throw new Error(`capstan ended with exit code ${started.exitCode}, see ${logFile}`)
      return (await fetch(`${url}/readyz`)).ok
    })
  }

  async function kill(signal: NodeJS.Signals): Promise<number | null> {
    const running = child
    if (!running || running.exitCode !== null || running.signalCode !== null) return running?.exitCode ?? null
    const ended = new Promise<number | null>((resolve) => running.once('exit', (code) => resolve(code)))
    running.kill(signal)
    return await ended
  }

  await start()
  return {
    url,
    token,
    namespace,
    directory,
    logFile,
    pid: () => child?.pid ?? 0,
    async api<T>(path: string, method: 'GET' | 'POST' = 'GET'): Promise<T> {
      const response = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` } })
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    cli: async (...args) => await runCapstan(patiently(args), { CAPSTAN_URL: url, CAPSTAN_TOKEN: token }),
    kill,
    start,
    async stop() {
      await kill('SIGTERM')
      removeFolder(directory)
    },
  }
}

/** Verbs that give up after a minute where nobody says otherwise. */
const waiting = new Set(['sync', 'release', 'policy', 'automate', 'deautomate', 'lock', 'unlock', 'suspend', 'resume'])

function patiently(args: readonly string[]): readonly string[] {
  const [verb = ''] = args
  return waiting.has(verb) && !args.includes('--timeout') ? [...args, '--timeout', '4m'] : args
}

/** Runs the CLI to its end. */
export async function runCapstan(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(root, 'bin/capstan.mjs'), ...args], {
    env: { ...process.env, ...env },
    cwd: tmpdir(),
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const code = await new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? 1)))
  return { code, stdout, stderr }
}
