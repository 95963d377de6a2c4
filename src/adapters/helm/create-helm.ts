import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Run } from '../../lib/run.ts'
import { installArgs, rollbackArgs, testArgs, uninstallArgs, upgradeArgs } from './argv.ts'
import { helmOutcome } from './failure.ts'
import type { Helm, HelmOutcome, HelmWrite } from './helm.ts'

export type HelmOptions = {
  run: Run
  /** A name on PATH or an absolute path. */
  binary: string
  /** A kubeconfig file; without it helm finds the pod's service account through `environment`. */
  kubeconfig?: string
  /** Where helm's own folders and the values files go; 0700, made if absent. */
  directory: string
  /** PATH, and in a pod KUBERNETES_SERVICE_HOST and _PORT. Nothing else is passed on. */
  environment: Readonly<Record<string, string>>
  redact: (text: string) => string
  /** Holds one of the few places on the processors while helm renders and sends (W6). */
  limit: <T>(work: () => Promise<T>) => Promise<T>
  log: Logger
}

/** helm's own time-out ends it first; this much later it is stopped from outside. */
const marginMs = 60_000
const maxOutputBytes = 64 * 1024 * 1024

export function createHelm(options: HelmOptions): Helm {
  const { run, binary, directory, redact, limit } = options
  const env = helmEnvironment(options)

  async function call(args: readonly string[], timeoutSeconds: number, signal?: AbortSignal): Promise<HelmOutcome> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const timeoutMs = timeoutSeconds * 1000 + marginMs
    const result = await limit(() =>
      run({ command: binary, args, env, timeoutMs, maxOutputBytes, ...(signal ? { signal } : {}) }),
    )
    return helmOutcome(result, redact)
  }

  /** The values live in a 0600 file for as long as helm runs. */
  async function withValues(
    request: HelmWrite,
    args: (file: string) => string[],
    signal?: AbortSignal,
  ): Promise<HelmOutcome> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const scratch = await mkdtemp(join(directory, 'values-'))
    try {
      const file = join(scratch, 'values.yaml')
      await writeFile(file, JSON.stringify(request.values), { mode: 0o600 })
      return await call(args(file), request.timeoutSeconds, signal)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  return {
    async version(signal) {
      const result = await run({
        command: binary,
        args: ['version', '--short'],
        env,
        timeoutMs: 10_000,
        ...(signal ? { signal } : {}),
      })
      if (result.ended === 'notFound')
        throw new AppError(
          'HelmMissing',
          `the helm binary ${binary} is not there: install helm 3 or give --helm-binary`,
          { retry: 'never' },
        )
      return result.stdout.trim()
    },
    install: (request, signal) => withValues(request, (file) => installArgs(request, file), signal),
    upgrade: (request, signal) => withValues(request, (file) => upgradeArgs(request, file), signal),
    rollback: (request, signal) => call(rollbackArgs(request), request.timeoutSeconds, signal),
    test: (request, signal) => call(testArgs(request), request.timeoutSeconds, signal),
    uninstall: (request, signal) => call(uninstallArgs(request), request.timeoutSeconds, signal),
    dependencyUpdate: (chartPath, timeoutSeconds, signal) =>
      call(['dependency', 'update', chartPath], timeoutSeconds, signal),
  }
}

/** From zero: private folders for helm, no plugins, the Secret driver whatever the operator's shell says (helm-operator, part (2) §3.3). */
function helmEnvironment({ directory, environment, kubeconfig }: HelmOptions): Record<string, string> {
  return {
    ...environment,
    HOME: directory,
    HELM_CACHE_HOME: join(directory, 'cache'),
    HELM_CONFIG_HOME: join(directory, 'config'),
    HELM_DATA_HOME: join(directory, 'data'),
    HELM_PLUGINS: join(directory, 'no-plugins'),
    HELM_DRIVER: 'secret',
    ...(kubeconfig ? { KUBECONFIG: kubeconfig } : {}),
  }
}
