import { createCluster } from '../adapters/cluster/index.ts'
import { createRedactor } from '../adapters/log/index.ts'
import { createQueue } from '../adapters/queue/index.ts'
import type { Config } from '../config/config.ts'
import { toAppError } from '../domain/error.ts'
import { quiet } from '../lib/quiet.ts'
import type { Run } from '../lib/run.ts'
import { createProcessRun } from './child-programs.ts'
import { type Program, isAtLeast, programsFor, versionIn } from './programs.ts'
import { readConfig } from './read-config.ts'

/** One thing that was looked at. `bad`: `capstan run` with these flags would not work; `warn`: it would, but not in all. */
type Finding = { level: 'ok' | 'warn' | 'bad'; text: string }

const patienceMs = 10_000

/**
 * `capstan check`: takes the flags of `run`, and says whether what they need is there: the flags themselves, programs and their versions,
 * the API server, Redis (W5). It changes nothing in the cluster. Exit 0 when nothing is bad, 1 when something is, and as `run` for wrong flags.
 */
export async function check(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  out: (line: string) => void,
): Promise<number> {
  const read = readConfig(argv, env)
  if ('show' in read) {
    out('capstan check [flags of capstan run]: whether what they need is there. See capstan run --help.')
    return 0
  }
  if ('problems' in read) {
    for (const problem of read.problems) out(`bad   ${problem}`)
    return read.exitCode
  }
  const { config } = read
  const redactor = createRedactor()
  const run = createProcessRun(redactor)
  const findings: Finding[] = config.warnings.map((text) => ({ level: 'warn', text }))
  const programs = programsFor(config).map(async (program) => await lookAtProgram(program, run, env))
  findings.push(...(await Promise.all([...programs, lookAtCluster(config)])), ...(await lookAtRedis(config)))
  for (const { level, text } of findings) out(`${level.padEnd(5)} ${redactor.redact(text)}`)
  return findings.some(({ level }) => level === 'bad') ? 1 : 0
}

async function lookAtProgram(
  { command, args, from, why, isRequired }: Program,
  run: Run,
  env: NodeJS.ProcessEnv,
): Promise<Finding> {
  const environment = { PATH: env.PATH ?? '', HOME: env.HOME ?? '' }
  const ended = await run({ command, args, env: environment, timeoutMs: patienceMs })
  if (ended.ended === 'notFound') {
    return { level: isRequired ? 'bad' : 'warn', text: `${command} is not found; it is needed ${why}` }
  }
  if (ended.ended !== 'exit') return { level: 'warn', text: `${command} does not answer (${ended.ended})` }
  const version = versionIn(`${ended.stdout}\n${ended.stderr}`)
  if (from === '') return { level: 'ok', text: command }
  if (version === '')
    return { level: 'warn', text: `${command} does not say its version; ${from} or newer is needed ${why}` }
  if (!isAtLeast(version, from)) return { level: 'warn', text: `${command} ${version} is old: take ${from} or newer` }
  return { level: 'ok', text: `${command} ${version}` }
}

async function lookAtCluster(config: Config): Promise<Finding> {
  try {
    const cluster = createCluster({ ...(config.kubeconfig ? { kubeconfig: config.kubeconfig } : {}), log: quiet })
    try {
      const version = await cluster.version(AbortSignal.timeout(patienceMs))
      return { level: 'ok', text: `Kubernetes ${version} at ${cluster.server}` }
    } finally {
      await cluster.close()
    }
  } catch (error) {
    return { level: 'bad', text: toAppError(error).message }
  }
}

/** A Redis of one's own; without one `run` starts its own. */
async function lookAtRedis({ redis }: Config): Promise<Finding[]> {
  if (!redis.url) return []
  const queue = createQueue({ redisUrl: redis.url, prefix: redis.prefix, worker: 'check', log: quiet })
  try {
    await queue.counts()
    const warnings = queue.warnings().map((text): Finding => ({ level: 'warn', text }))
    return [{ level: 'ok', text: 'Redis answers' }, ...warnings]
  } catch (error) {
    return [{ level: 'bad', text: toAppError(error).message }]
  } finally {
    await queue.close(0)
  }
}
