import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createEgress } from '../../src/adapters/egress/index.ts'
import { createGit } from '../../src/adapters/git/index.ts'
import { createHelm, type Helm } from '../../src/adapters/helm/index.ts'
import { createRedactor } from '../../src/adapters/log/index.ts'
import { createProcessRun } from '../../src/main/child-programs.ts'
import type { Redactor } from '../../src/lib/redactor.ts'
import type { Run } from '../../src/lib/run.ts'
import { createPrivateFiles } from '../../src/main/private-files.ts'
import type { ChartDeps } from '../../src/jobs/sync-release/chart.ts'
import { createReleaseMemory } from '../../src/jobs/sync-release/memory.ts'
import { quiet, realCluster } from '../cluster/world.ts'
import { openCharts } from '../helm/world.ts'
import type { World } from './world.ts'

export type ChartGround = {
  deps: ChartDeps & { egress: ReturnType<typeof createEgress> }
  helm: Helm
  /** Where the cache of charts and helm's own folders are. */
  folders: { charts: string; helm: string }
  redactor: Redactor
  run: Run
}

/** Charts, git, helm and the cluster as the job of a release has them, with the guards of production around each child. */
export function openChartGround(world: World, { wrap = (run: Run) => run } = {}): ChartGround {
  const redactor = createRedactor()
  const folders = { charts: join(world.directory, 'charts'), helm: join(world.directory, 'helm') }
  const egress = createEgress()
  const cluster = realCluster()
  world.atEnd(() => egress.close())
  world.atEnd(() => cluster.close())
  const run = wrap(createProcessRun(redactor))
  return {
    folders,
    redactor,
    run,
    deps: {
      cluster,
      egress,
      charts: openCharts({ directory: folders.charts, egress }),
      git: createGit({ directory: join(world.directory, 'git'), timeoutMs: 60_000, log: quiet }),
      chartRemote: async (url) => ({ url }),
      keep: createPrivateFiles(join(world.directory, 'kept')),
      githubApp: { login: async () => Promise.reject(new Error('no app here')) },
      fetchedAt: new Map(),
      gitPollIntervalMs: 60_000,
      redactor,
      now: () => new Date(),
      memory: createReleaseMemory(),
    },
    helm: createHelm({
      run,
      binary: world.stack.helm,
      kubeconfig: world.stack.kubeconfig,
      directory: folders.helm,
      environment: { PATH: process.env.PATH ?? '' },
      redact: redactor.redact,
      limit: (work) => work(),
      log: quiet,
    }),
  }
}

/** A run of helm that writes nothing. */
export function dryRun(chartPath: string, values: Record<string, unknown> = {}) {
  return {
    verb: 'install' as const,
    release: 'chaos',
    namespace: 'default',
    timeoutSeconds: 30,
    chartPath,
    values,
    wait: false,
    skipCrds: false,
    disableOpenApiValidation: true,
    resetValues: true,
    force: false,
  }
}

/** What must never be read, as it stands in a file outside and in a file of every machine. */
export const marker = 'marker-of-a-file-outside'
const strangers = [marker, 'root:x:0:0:']

/** Whether a text holds something from outside of the repository. */
export function isLeak(text: string): boolean {
  return strangers.some((one) => text.includes(one))
}

/** Links below a folder, and regular files that hold something from outside. */
export function lookThrough(root: string): { links: number; leaks: number } {
  const found = { links: 0, leaks: 0 }
  for (const name of readdirSync(root, { recursive: true }) as string[]) {
    const path = join(root, name)
    const entry = lstatSync(path)
    if (entry.isSymbolicLink()) found.links++
    else if (entry.isFile() && isLeak(readFileSync(path, 'latin1'))) found.leaks++
  }
  return found
}
