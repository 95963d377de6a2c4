import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createCluster } from '../adapters/cluster/index.ts'
import { createLog, createRedactor } from '../adapters/log/index.ts'
import type { Flag } from '../config/flag.ts'
import { flags } from '../config/flags.ts'
import { type Difference, fluxdDifferences } from '../config/fluxd-differences.ts'
import { becameOf, sayingOf } from '../config/fluxd-document.ts'
import { operatorDifferences } from '../config/operator-differences.ts'
import { parseArgv } from '../config/parse-argv.ts'
import { toAppError } from '../domain/error.ts'
import type { Ancestor } from '../domain/manifest/ancestor.ts'
import { refusedIn } from '../domain/migrate/plan-move.ts'
import { planLines, rehearsalLines } from '../domain/migrate/print.ts'
import { valuesFile } from '../domain/migrate/values.ts'
import type { MigrateDeps } from '../jobs/migrate/deps.ts'
import { type Choice, findOld } from '../jobs/migrate/find-old.ts'
import { moveBack } from '../jobs/migrate/go-back.ts'
import { move } from '../jobs/migrate/move.ts'
import { type Prepared, prepare } from '../jobs/migrate/prepare.ts'
import { parseDuration } from '../lib/duration.ts'
import { createProcessRun } from './child-programs.ts'
import { createMigrateHelm } from './migrate-helm.ts'
import { chartFolder } from './package.ts'

const usage = `capstan migrate --from flux-v1|helm-operator [options]

Moves from fluxd, the Helm Operator, or both (--from twice) to Capstan: reads their Deployments, says what becomes of every flag,
Secret and HelmRelease, writes a values file of our chart, stops the old one, installs Capstan, and waits for its first sync. When
something fails, the old one runs again. What cannot be taken over is refused before anything is touched.

  --from WHAT              flux-v1 or helm-operator; twice for both
  --dry-run                only say it, and write the values file
  --back                   stop Capstan and start the old one again, as it was
  --deployment NS/NAME     which one, where there are several; once for each
  --values FILE            the values file to write, default capstan-values.yaml; it holds names of Secrets, never a secret
  --accept WORD            go on without something that is refused; the word stands beside it
  --no-install             stop the old one, and say the command that installs Capstan
  --set KEY=VALUE          one value of the chart, before those that are made
  --namespace NS           where Capstan will run, default that of the old one, where its Secrets are
  --release NAME           helm's release of Capstan, default capstan
  --timeout DURATION       for each wait, default 10m
  --helm-binary HELM       helm 3: a name on PATH or a path, default helm
  --kubeconfig FILE        default $KUBECONFIG or ~/.kube/config

Exit codes: 0 done, 1 refused or failed, 64 wrong usage, 130 interrupted.
`

const ancestors: Readonly<Record<string, Ancestor>> = { 'flux-v1': 'fluxd', 'helm-operator': 'helm-operator' }

type Options = NonNullable<ReturnType<typeof readOptions>>

/** `capstan migrate`: gives the exit code. */
export async function migrateCommand(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const options = readOptions(argv)
  const timeoutMs = parseDuration(options?.timeout ?? '')
  if (!options || (!options.help && (options.from.length === 0 || timeoutMs === undefined))) {
    process.stderr.write(usage)
    return 64
  }
  if (options.help || timeoutMs === undefined) {
    process.stdout.write(usage)
    return 0
  }
  const redactor = createRedactor()
  const log = createLog({ format: 'fmt', level: 'error', redactor })
  try {
    const cluster = createCluster({ ...(options.kubeconfig ? { kubeconfig: options.kubeconfig } : {}), log })
    try {
      const run = createProcessRun(redactor)
      const deps = (namespace: string): MigrateDeps => ({
        cluster,
        helm: createMigrateHelm({ ...helmOf(options), run, env, namespace, timeoutMs }),
        readFlags,
        pause: async (ms, until) => await sleep(ms, undefined, { signal: until }),
        now: () => performance.now(),
        tell,
      })
      return await carryOut(deps, options, timeoutMs, signal)
    } finally {
      await cluster.close()
    }
  } catch (error) {
    if (signal.aborted) return 130
    process.stderr.write(`capstan migrate: ${toAppError(error).message}\n`)
    return 1
  }
}

type Depend = (namespace: string) => MigrateDeps

async function carryOut(depend: Depend, options: Options, timeoutMs: number, signal: AbortSignal): Promise<number> {
  const from = [...new Set(options.from.flatMap((name) => ancestors[name] ?? []))]
  const choice = { from, deployments: options.deployment, namespace: options.namespace }
  const deps = depend(await whereTo(depend, choice, options.back, signal))
  if (options.back) {
    await moveBack(deps, choice, signal)
    tell('everything is as it was before the move')
    return 0
  }
  const prepared = await prepare(deps, choice, signal)
  const accepted = new Set(options.accept)
  const stands = await report(prepared, options, accepted)
  if (stands) process.stderr.write(`capstan migrate: ${stands}\n`)
  if (stands) return 1
  // what helm or the API server refuse is said before anything is touched, and by a dry run too
  if (options.install) await deps.helm.rehearse(prepared.plan.values, signal)
  if (options['dry-run']) return 0
  await move(deps, prepared, { timeoutMs, installs: options.install }, signal)
  tell(options.install ? done(options) : `Now install Capstan: ${command(prepared, options)}`)
  return 0
}

/** helm is asked in the namespace of Capstan, which is that of the old one unless another is given. */
async function whereTo(
  depend: Depend,
  choice: Choice & { namespace: string },
  back: boolean,
  signal: AbortSignal,
): Promise<string> {
  if (choice.namespace) return choice.namespace
  const { chosen } = await findOld(depend(''), choice, back, signal)
  return (back ? chosen[0]?.movedTo : chosen[0]?.namespace) ?? ''
}

/** Says everything and writes the values file; gives what stands in the way, as a sentence. */
async function report(prepared: Prepared, options: Options, accepted: ReadonlySet<string>): Promise<string> {
  const { plan, rehearsal, olds } = prepared
  for (const line of planLines(plan, accepted)) tell(line)
  for (const line of rehearsal ? rehearsalLines(rehearsal) : []) tell(line)
  const names = olds.map(({ ancestor, namespace, name }) => `${ancestor} ${namespace}/${name}`).join(' and ')
  await writeFile(
    options.values,
    valuesFile(plan.values, `Made by capstan migrate of ${names}.\n${command(prepared, options)}`),
  )
  tell(`Values are in ${options.values}.`)
  const refused = refusedIn(plan, accepted).length
  return refused > 0 ? `${refused} things are refused, as said above; nothing was touched` : ''
}

function command({ namespace }: Prepared, { values, release, set }: Options): string {
  const more = set.map((one) => ` --set '${one}'`).join('')
  return `helm upgrade --install ${release} ${chartFolder} --namespace ${namespace} --values ${values}${more}`
}

function done({ from }: Options): string {
  return `Moved. capstan migrate ${from.map((one) => `--from ${one}`).join(' ')} --back goes back.`
}

const differences: Readonly<Record<string, Difference>> = { ...operatorDifferences, ...fluxdDifferences }

function readFlags(argv: readonly string[]): ReturnType<MigrateDeps['readFlags']> {
  const { given, problems } = parseArgv(argv)
  const table: Readonly<Record<string, Flag>> = flags
  return {
    flags: [...given].map(([name, values]) => {
      const flag = table[name] as Flag
      const difference = differences[name] ?? { note: '' }
      return { name, values, became: becameOf(flag, difference), saying: sayingOf(flag, difference) }
    }),
    problems,
  }
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}

function helmOf({ 'helm-binary': helmBinary, kubeconfig, release, set }: Options) {
  return { helmBinary, kubeconfig, release, set }
}

function readOptions(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const list = { type: 'string', multiple: true, default: [] as string[] } as const
  const off = { type: 'boolean', default: false } as const
  try {
    const { values } = parseArgs({
      args: [...argv],
      allowNegative: true,
      options: {
        from: list,
        deployment: list,
        accept: list,
        set: list,
        'dry-run': off,
        back: off,
        install: { type: 'boolean', default: true },
        namespace: { ...text, default: '' },
        release: { ...text, default: 'capstan' },
        values: { ...text, default: 'capstan-values.yaml' },
        timeout: { ...text, default: '10m' },
        'helm-binary': { ...text, default: 'helm' },
        kubeconfig: { ...text, default: '' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return values.from.every((name) => Object.hasOwn(ancestors, name)) ? values : undefined
  } catch {
    return undefined
  }
}
