import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, toAppError } from '../../domain/error.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Run, RunResult } from '../../lib/run.ts'
import {
  editArgs,
  type HelmMajor,
  installArgs,
  previewArgs,
  rollbackArgs,
  testArgs,
  uninstallArgs,
  upgradeArgs,
} from './argv.ts'
import { helmOutcome, uninstallOutcome } from './failure.ts'
import type { Helm, HelmOutcome, HelmWrite } from './helm.ts'
import { createHelmVersion } from './helm-version.ts'
import { helmLimits } from './helm-limits.ts'
import { createPlaces } from './places.ts'
import { manifestOf, markFailed } from './stored-release.ts'

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
  /** Memory that helm shares with us, where that is limited. */
  containerBytes?: number
  /** Holds one of the few places on the processors while helm renders and sends (W6). */
  limit: <T>(work: () => Promise<T>) => Promise<T>
  log: Logger
}

/** helm's own time-out ends it first; this much later it is stopped from outside. */
const marginMs = 60_000
/** helm prints the whole chart with what it rendered; reading more would hold up the process for too long (hazard I5). */
const maxOutputBytes = 32 * 1024 * 1024
/** Whatever helm does for longer than this, it mostly waits. */
const busyMs = 5_000
/**
 * helm lives for a moment, so collecting garbage costs more than it gives (0.15 s of wall instead of 0.09 s for a small chart); the
 * limit makes it collect where a chart is big.
 */
const garbage = { GOGC: 'off' }

type Ended = { outcome: HelmOutcome; stdout: string }

/** helm 3 or 4 as child processes. Values are only ever in a 0600 file that is gone when helm has ended. */
export function createHelm(options: HelmOptions): Helm {
  const { run, binary, directory, redact, limit, log } = options
  const { run: limits, goMemory, waiting: mostWaiting } = helmLimits(options.containerBytes)
  const env = helmEnvironment(options, goMemory)
  const makeReady = createFolder(directory)
  const { working, waiting } = createPlaces(limit, { waiting: mostWaiting, busyMs })
  const version = createHelmVersion(binary, () =>
    run({ command: binary, args: ['version', '--short'], env, timeoutMs: 10_000 }),
  )

  async function call(
    args: (major: HelmMajor) => string[],
    {
      timeoutSeconds,
      wait = false,
      began,
      edit,
    }: Pick<HelmWrite, 'timeoutSeconds' | 'began' | 'edit'> & { wait?: boolean },
    signal?: AbortSignal,
  ): Promise<Ended> {
    const kind = await version.kind().catch((error: unknown) => toAppError(error))
    if (kind instanceof AppError)
      return { outcome: { ok: false, reason: 'HelmMissing', message: kind.message }, stdout: '' }
    const timeoutMs = timeoutSeconds * 1000 + marginMs
    const stop = signal ? { signal } : {}
    const plain = { command: binary, args: args(kind.major), env, timeoutMs, maxOutputBytes, limits, ...stop }
    const begin = async (): Promise<Ended> => {
      began?.()
      if (!edit || !kind.edits) return endedBy(await run(plain))
      const filter = { end: randomUUID(), edit: (text: string) => neverEmpty(edit(text)) }
      const result = await run({ ...plain, args: [...plain.args, ...editArgs(filter.end)], filter })
      if (!askedInVain(result)) return endedBy(result, true)
      log.debug({}, 'helm could not ask for an edit of its manifests, so they go as they are')
      return endedBy(await run(plain))
    }
    return await (wait ? waiting(begin) : working(begin))
  }

  function endedBy(result: RunResult, isEdited = false): Ended {
    const outcome = helmOutcome(result, redact)
    return { outcome: outcome.ok && isEdited ? { ...outcome, edited: true } : outcome, stdout: result.stdout }
  }

  /** The values live in a 0600 file for as long as helm runs. */
  async function withValues(
    request: HelmWrite,
    args: (file: string, major: HelmMajor) => string[],
    signal?: AbortSignal,
  ): Promise<Ended> {
    await makeReady()
    const file = join(directory, `values-${process.pid}-${randomUUID()}.json`)
    try {
      await writeFile(file, JSON.stringify(request.values), { mode: 0o600, flag: 'wx' })
      return await call((major) => args(file, major), request, signal)
    } finally {
      await rm(file, { force: true })
    }
  }

  async function plainly(
    args: (major: HelmMajor) => string[],
    how: { timeoutSeconds: number; wait?: boolean },
    signal?: AbortSignal,
  ): Promise<HelmOutcome> {
    await makeReady()
    return (await call(args, how, signal)).outcome
  }

  return {
    version: () => version.text(),
    install: async (request, signal) =>
      (await withValues(request, (file, major) => installArgs(request, file, major), signal)).outcome,
    upgrade: async (request, signal) =>
      (await withValues(request, (file, major) => upgradeArgs(request, file, major), signal)).outcome,
    rollback: async (request, signal) => await plainly((major) => rollbackArgs(request, major), request, signal),
    test: async (request, signal) => await plainly(() => testArgs(request), { ...request, wait: true }, signal),
    uninstall: async (request, signal) =>
      uninstallOutcome(await plainly(() => uninstallArgs(request), request, signal)),
    async preview(request, signal) {
      const dry = { ...request, wait: false }
      const { outcome, stdout } = await withValues(dry, (file, major) => previewArgs(dry, file, major), signal)
      return outcome.ok ? { ok: true, manifest: manifestOf(stdout) } : outcome
    },
    markFailed,
  }
}

/** Makes helm's folder where it is not, as often as it is called; the first time what others left in it goes. */
function createFolder(directory: string): () => Promise<void> {
  let swept: Promise<void> | undefined
  return async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await (swept ??= sweepValues(directory))
  }
}

/** From zero: private folders for helm, no plugins, the Secret driver whatever the operator's shell says (helm-operator, part (2) §3.3). */
function helmEnvironment(
  { directory, environment, kubeconfig }: HelmOptions,
  goMemory: string,
): Record<string, string> {
  return {
    ...garbage,
    GOMEMLIMIT: goMemory,
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

/** It comes before helm writes anything: there is no shell, it lacks a program, or who started helm closed our descriptor (pkg/postrender). */
function askedInVain({ ended, exitCode, stderr }: RunResult): boolean {
  return ended === 'exit' && exitCode !== 0 && /(?:running command|find binary at) \/bin\/sh/.test(stderr)
}

/** helm takes an empty text for the failure of who edits it, though a chart may have no objects, or hooks alone. */
function neverEmpty(manifests: string): string {
  return manifests.trim() === '' ? '# no objects\n' : manifests
}

/** Values files of processes that were killed hold secrets: they go before the first one is written. */
async function sweepValues(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = Number(/^values-(\d+)-/.exec(name)?.[1])
    if (pid && (pid === process.pid || !isAlive(pid))) await rm(join(directory, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
