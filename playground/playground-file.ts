import type { Program } from './stack/supervise.ts'

/** What programs may rely on: `.capstan/playground.json`. Paths are absolute; keys are only ever added. */
export type PlaygroundFile = {
  version: 1
  kubeconfig: string
  apiUrl: string
  token: string
  tokenFile: string
  gitUrl: string
  gitBranch: string
  gitPaths: readonly string[]
  webhookUrl: string
  webhookSecretFile: string
  redisUrl: string
  queuePrefix: '{capstan}'
  /** `127.0.0.1:PORT` */
  registry: string
  chartRepo: string
  /** Where the events of an example are taken and shown; left out where it has no receiver. */
  receiver?: string
  binDir: string
  helm: string
  kubectl: string
  /** What does not run (with an existing cluster, or just now) is left out. */
  pids: Partial<Record<PidName, number>>
  capstan: { argv: readonly string[]; env: Readonly<Record<string, string>>; log: string; restarts: number }
}

const pidNames = {
  capstan: 'capstan',
  redis: 'redis',
  etcd: 'etcd',
  'kube-apiserver': 'kubeApiserver',
  'kube-controller-manager': 'kubeControllerManager',
  'kube-scheduler': 'kubeScheduler',
  kwok: 'kwok',
  git: 'git',
  registry: 'registry',
  charts: 'charts',
  receiver: 'receiver',
} as const

type PidName = 'supervisor' | (typeof pidNames)[keyof typeof pidNames]

/** The pids of what runs now, under the names of the file. */
export function pidsOf(
  supervisor: number,
  programs: readonly Pick<Program, 'name' | 'pid'>[],
): Partial<Record<PidName, number>> {
  const pids: Partial<Record<PidName, number>> = { supervisor }
  for (const { name, pid } of programs) {
    const key = pidNames[name as keyof typeof pidNames]
    const running = pid()
    if (key && running !== undefined) pids[key] = running
  }
  return pids
}
