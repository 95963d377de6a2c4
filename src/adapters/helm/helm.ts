import type { KubeObject } from '../../domain/manifest/object.ts'

export type HelmTarget = {
  release: string
  namespace: string
  timeoutSeconds: number
  /** ServiceAccount whose rights helm uses; without it those of Capstan. */
  account?: { namespace: string; serviceAccount: string }
}

export type HelmWrite = HelmTarget & {
  /** Local directory or .tgz, already checked to hold no symbolic link. */
  chartPath: string
  /** Composed values; written to a 0600 file that is removed afterwards. */
  values: Record<string, unknown>
  wait: boolean
  skipCrds: boolean
  disableOpenApiValidation: boolean
  /** Called when helm has its place and begins. */
  began?: () => void
  /**
   * What helm has rendered, without hooks, goes through this before it is sent and stored. Called at most once, and not at all where helm
   * has no way to ask: helm 4 asks plugins only, helm before 3.9 takes no arguments for whom it asks. Where asking fails, it goes as it is.
   */
  edit?: (manifests: string) => string
}

export type PreviewRequest = HelmWrite & { verb: 'install' | 'upgrade'; resetValues: boolean; force: boolean }

type FailedOutcome = Extract<HelmOutcome, { ok: false }>

export type HelmOutcome =
  /** `edited`: what was sent is what the `edit` of the request made of it. */
  | { ok: true; edited?: true }
  /**
   * `message`: helm's own words, redacted, one line, at most 1,000 characters. `isTaken`: it refused, and wrote nothing, since there is a
   * release of this name already, or another helm is at work on it.
   */
  | { ok: false; reason: HelmFailure; message: string; isTaken?: true }

type HelmFailure =
  | 'HelmMissing'
  | 'HelmFailed'
  | 'HookFailed'
  | 'RenderFailed'
  | 'RenderLimitExceeded'
  | 'QuotaExceeded'
  | 'AdmissionDenied'
  | 'ClusterUnavailable'

/** The helm binary, 3 or 4. Never throws for what helm does; aborting sends SIGTERM and waits (helm records `failed`). */
export type Helm = {
  /** e.g. `v3.22.0`; AppError HelmMissing when the binary is not there. */
  version(): Promise<string>
  install(request: HelmWrite, signal?: AbortSignal): Promise<HelmOutcome>
  upgrade(
    request: HelmWrite & { resetValues: boolean; force: boolean; maxHistory: number },
    signal?: AbortSignal,
  ): Promise<HelmOutcome>
  rollback(
    request: HelmTarget & {
      revision: number
      wait: boolean
      force: boolean
      recreatePods: boolean
      disableHooks: boolean
    },
    signal?: AbortSignal,
  ): Promise<HelmOutcome>
  test(request: HelmTarget, signal?: AbortSignal): Promise<HelmOutcome>
  uninstall(request: HelmTarget, signal?: AbortSignal): Promise<HelmOutcome>
  /**
   * What an install or upgrade would send, as one text of manifests, hooks last. Asks the API server and writes nothing. Holds secrets
   * as they are.
   */
  preview(request: PreviewRequest, signal?: AbortSignal): Promise<{ ok: true; manifest: string } | FailedOutcome>
  /**
   * helm's Secret of a revision, marked failed with these words: takes the lock of a run that is dead, or says that what it made did
   * not become ready. Undefined when it is not such a Secret.
   */
  markFailed(secret: KubeObject, why: string): KubeObject | undefined
}
