import { basename, relative } from 'node:path'
import type { PlaygroundFile } from './playground-file.ts'

/** Which repository is synced. */
export type Shown = 'sample' | 'example' | 'given'

/** What people see when all is up: what runs where, how to get at it, three things to try. */
export function banner(
  file: PlaygroundFile,
  options: { stateDir: string; cwd: string; of: Shown; link: string },
): string {
  const { stateDir, cwd, of, link } = options
  const short = (path: string) => {
    const near = relative(cwd, path)
    return near.startsWith('..') ? path : near
  }
  const rows = [
    ['API', file.apiUrl],
    ['page', `${link} (lets one browser in, soon; again: ${capstanOf(file, short(stateDir))} queue open)`],
    ['queue board', `${file.apiUrl}/queues (for the same browser)`],
    ['git', `${file.gitUrl} (${file.gitBranch}${file.gitPaths.map((path) => `, ${path}/`).join('')})`],
    ['image registry', file.registry],
    ['chart repository', file.chartRepo],
    ...(file.receiver ? [['receiver', file.receiver] as const] : []),
    ['Redis', file.redisUrl],
    ['kubeconfig', short(file.kubeconfig)],
    ['programs', short(file.binDir)],
    ['logs', `${short(stateDir)}/logs`],
  ] as const
  const wide = Math.max(...rows.map(([name]) => name.length))
  return [
    '',
    'The playground is up.',
    ...rows.map(([name, value]) => `  ${name.padEnd(wide)}  ${value}`),
    '',
    'Things to try, in another terminal:',
    ...tries(file, { stateDir: short(stateDir), of }),
    '',
    'Ctrl-C stops everything.',
    '',
  ].join('\n')
}

/** The CLI looks for `.capstan/` by itself; any other folder must be named. */
function isElsewhere(stateDir: string): boolean {
  return basename(stateDir) !== '.capstan'
}

function capstanOf({ apiUrl, tokenFile }: PlaygroundFile, stateDir: string): string {
  return isElsewhere(stateDir) ? `npx capstan --url ${apiUrl} --token-file ${tokenFile}` : 'npx capstan'
}

function tries(file: PlaygroundFile, { stateDir, of }: { stateDir: string; of: Shown }): string[] {
  const elsewhere = isElsewhere(stateDir)
  const capstan = capstanOf(file, stateDir)
  const kubectl = `${file.kubectl} --kubeconfig ${file.kubeconfig}`
  if (of !== 'sample') {
    return [
      `  1. what runs, what failed and why:  ${capstan} status`,
      `  2. fetch and reconcile now:         ${capstan} sync`,
      `  3. look at the cluster:             ${kubectl} get all -A`,
      ...(of === 'example' ? [`  What the example is about, and what to try: README.md of ${file.gitUrl}`] : []),
    ]
  }
  return [
    `  1. see that all is in sync:  ${capstan} status`,
    '  2. push a change; it is on the cluster within seconds:',
    `       git clone ${file.gitUrl} /tmp/sample && cd /tmp/sample`,
    '       change a replica count in cluster/shop/web.yaml, or remove a file; git commit -am change && git push',
    `       ${kubectl} get deployments -A`,
    '  3. push a new image; Capstan commits it to git and rolls it out:',
    `       node bin/boot.mjs playground/push-image.ts shop/web:1.0.1${elsewhere ? ` ${stateDir}` : ''}`,
  ]
}
