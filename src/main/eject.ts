import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createCluster } from '../adapters/cluster/index.ts'
import { createLog, createRedactor } from '../adapters/log/index.ts'
import { toAppError } from '../domain/error.ts'
import { eject } from '../jobs/eject.ts'

const usage = `capstan eject [options]

Takes Capstan out of a cluster and leaves every release as it is: stops Capstan, takes its finalizers off all HelmReleases
and forgets what it was about to do. After it, deleting HelmReleases or their definition uninstalls nothing. Uninstalling
Capstan with helm does it by itself.

  --namespace NS        where Capstan runs, default capstan-system
  --allow-namespace NS  the one namespace with HelmReleases; all when left out
  --kubeconfig FILE     default $KUBECONFIG, ~/.kube/config, or the service account of the pod

Exit codes: 0 done, 1 failed, 64 wrong usage, 130 interrupted.
`

/** `capstan eject`: gives the exit code. */
export async function ejectCommand(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const options = readOptions(argv)
  if (!options) {
    process.stderr.write(usage)
    return 64
  }
  if (options.help) {
    process.stdout.write(usage)
    return 0
  }
  const log = createLog({ format: 'fmt', level: 'error', redactor: createRedactor() })
  const { kubeconfig, namespace, 'allow-namespace': releaseNamespace } = options
  const tell = (line: string) => process.stdout.write(`${line}\n`)
  try {
    const cluster = createCluster({ ...(kubeconfig ? { kubeconfig } : {}), log })
    try {
      const pause = async (ms: number, until: AbortSignal) => await sleep(ms, undefined, { signal: until })
      const where = { cluster, namespace, releaseNamespace }
      const done = await eject({ ...where, pause, now: () => performance.now(), tell }, signal)
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

function readOptions(
  argv: readonly string[],
): { namespace: string; 'allow-namespace': string; kubeconfig: string; help: boolean } | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        namespace: { type: 'string', default: 'capstan-system' },
        'allow-namespace': { type: 'string', default: '' },
        kubeconfig: { type: 'string', default: '' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return values
  } catch {
    return undefined
  }
}
