import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createCluster } from '../adapters/cluster/index.ts'
import { createLog, createRedactor } from '../adapters/log/index.ts'
import { toAppError } from '../domain/error.ts'
import { migrateCommand } from './migrate.ts'
import { eject } from '../jobs/eject.ts'
import { refuseElsewhere } from '../jobs/running-capstan.ts'

const usage = `capstan eject [options]

Takes Capstan out of a cluster and leaves every release as it is: stops Capstan, takes its finalizers off all HelmReleases
and forgets what it was about to do. After it, deleting HelmReleases or their definition uninstalls nothing. Uninstalling
Capstan with helm does it by itself.

  --namespace NS        where Capstan runs, default capstan-system
  --allow-namespace NS  the one namespace with HelmReleases; all when left out
  --to WHAT             start that ancestor again, which capstan migrate scaled down: flux-v1 or helm-operator; twice where both
                        moved. As capstan migrate --back, whose --deployment, --release and --helm-binary are understood here too
  --kubeconfig FILE     default $KUBECONFIG, ~/.kube/config, or the service account of the pod

Exit codes: 0 done, 1 failed, 64 wrong usage, 130 interrupted.
`

/** `capstan eject`: gives the exit code. */
export async function ejectCommand(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const options = readOptions(argv)
  if (!options) {
    process.stderr.write(usage)
    return 64
  }
  if (options.help) {
    process.stdout.write(usage)
    return 0
  }
  if (options.to.length > 0) return await migrateCommand(backArguments(options), env, signal)
  const log = createLog({ format: 'fmt', level: 'error', redactor: createRedactor() })
  const { kubeconfig, namespace = 'capstan-system', 'allow-namespace': releaseNamespace = '' } = options
  const tell = (line: string) => process.stdout.write(`${line}\n`)
  try {
    const cluster = createCluster({ ...(kubeconfig ? { kubeconfig } : {}), log })
    try {
      const pause = async (ms: number, until: AbortSignal) => await sleep(ms, undefined, { signal: until })
      const deps = { cluster, namespace, releaseNamespace, pause, now: () => performance.now(), tell }
      await refuseElsewhere(deps, signal)
      const done = await eject(deps, signal)
      tell(`${done.finalizers} HelmReleases freed, ${done.intents} intents forgotten; every release is left as it is`)
      return 0
    } finally {
      await cluster.close()
    }
  } catch (error) {
    if (signal.aborted) return 130
    process.stderr.write(`capstan eject: ${toAppError(error).message}\n`)
    return 1
  }
}

type Options = NonNullable<ReturnType<typeof readOptions>>

/** Which namespace has HelmReleases is among the values that the move gave to Capstan. */
function backArguments({ to, deployment, namespace, kubeconfig, release, 'helm-binary': helm }: Options): string[] {
  const given = { namespace, kubeconfig, release, 'helm-binary': helm }
  return [
    '--back',
    ...to.map((one) => `--from=${one}`),
    ...deployment.map((one) => `--deployment=${one}`),
    ...Object.entries(given).flatMap(([name, value]) => (value ? [`--${name}=${value}`] : [])),
  ]
}

function readOptions(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const list = { type: 'string', multiple: true, default: [] as string[] } as const
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        namespace: text,
        'allow-namespace': text,
        kubeconfig: text,
        to: list,
        deployment: list,
        release: text,
        'helm-binary': text,
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const { to, deployment, release, 'helm-binary': helm, 'allow-namespace': releaseNamespace } = values
    const isOnlyForBack = deployment.length > 0 || release !== undefined || helm !== undefined
    const isKnown = to.every((one) => one === 'flux-v1' || one === 'helm-operator')
    return isKnown && (to.length > 0 ? releaseNamespace === undefined : !isOnlyForBack) ? values : undefined
  } catch {
    return undefined
  }
}
