import { parse } from 'yaml'
import { AppError } from '../domain/error.ts'
import type { Values } from '../domain/migrate/values.ts'
import type { HelmDoor } from '../jobs/migrate/deps.ts'
import type { Run } from '../lib/run.ts'
import { chartFolder } from './package.ts'

/** What helm is told. */
export type MigrateHelmOptions = {
  run: Run
  env: NodeJS.ProcessEnv
  helmBinary: string
  /** Empty: as helm finds it. */
  kubeconfig: string
  namespace: string
  release: string
  /** `key=value`, before the values. */
  set: readonly string[]
  timeoutMs: number
}

const passedOn = ['PATH', 'HOME', 'KUBECONFIG', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'HELM_DRIVER']
const maxOutputBytes = 20 * 1024 * 1024
/** To install itself, and not only to wait. */
const spareMs = 60_000

/** The real helm on the cluster of whoever asks, with the chart that we ship. */
export function createMigrateHelm(options: MigrateHelmOptions): HelmDoor {
  const { namespace, release, set, timeoutMs } = options
  const place = [release, chartFolder, '--install', '--values=-', ...set.map((one) => `--set=${one}`)]
  const write = async (args: readonly string[], values: Values, signal: AbortSignal) => {
    const ended = await helm(options, ['upgrade', ...place, ...args], { input: JSON.stringify(values), signal })
    if (ended.failed) throw new AppError('HelmFailed', `helm does not install Capstan: ${ended.failed}`)
  }
  return {
    async values(signal) {
      const ended = await helm(options, ['get', 'values', release, '--output=yaml'], { signal })
      if (ended.failed && /not found/.test(ended.failed)) return undefined
      if (ended.failed)
        throw new AppError('HelmFailed', `helm cannot look for ${namespace}/${release}: ${ended.failed}`)
      return (parse(ended.stdout) as Values | null) ?? {}
    },
    rehearse: async (values, signal) => await write(['--dry-run=server'], values, signal),
    install: async (values, signal) =>
      await write(['--wait', `--timeout=${Math.ceil(timeoutMs / 1000)}s`, '--reset-values'], values, signal),
  }
}

async function helm(
  { run, env, helmBinary, kubeconfig, namespace, timeoutMs }: MigrateHelmOptions,
  args: readonly string[],
  { input, signal }: { input?: string; signal: AbortSignal },
): Promise<{ stdout: string; failed?: string }> {
  const environment = Object.fromEntries(passedOn.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
  const ended = await run({
    command: helmBinary,
    args: [...args, `--namespace=${namespace}`, ...(kubeconfig ? [`--kubeconfig=${kubeconfig}`] : [])],
    env: environment,
    timeoutMs: timeoutMs + spareMs,
    maxOutputBytes,
    signal,
    ...(input === undefined ? {} : { input }),
  })
  if (ended.ended === 'notFound')
    throw new AppError('HelmMissing', `${helmBinary} is not found: install helm 3, or name it with --helm-binary`)
  if (ended.ended === 'exit' && ended.exitCode === 0) return { stdout: ended.stdout }
  return { stdout: '', failed: ended.stderr.trim().replace(/^Error: /, '') || `it was ended (${ended.ended})` }
}
