import type { Cluster } from '../../adapters/cluster/index.ts'
import type { GivenFlag } from '../../domain/migrate/old-facts.ts'
import type { Values } from '../../domain/migrate/values.ts'

/** helm, with the kubeconfig of whoever asks. Each throws a sentence for people. */
export type HelmDoor = {
  /** The values that were given to our release; undefined when it is not installed. */
  values(signal: AbortSignal): Promise<Values | undefined>
  /** What the release would be, tried on the server; nothing is written. */
  rehearse(values: Values, signal: AbortSignal): Promise<void>
  /** Installs or upgrades it, and waits until its pods are ready. */
  install(values: Values, signal: AbortSignal): Promise<void>
}

/** What a move reaches the world by. */
export type MigrateDeps = {
  cluster: Cluster
  helm: HelmDoor
  /** Takes an argument list apart, by the table of all flags. */
  readFlags: (argv: readonly string[]) => { flags: GivenFlag[]; problems: string[] }
  /** Resolves after that many milliseconds; rejects when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Monotonic milliseconds. */
  now: () => number
  /** Told in plain words what is done. */
  tell: (line: string) => void
}

/** The ancestors' Deployments. */
export const deploymentKind = { apiVersion: 'apps/v1', kind: 'Deployment' } as const
