import type { ImageAnswer, ReleaseRequest } from '../../api/contract/image.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { type ExitCode, exitCodes, WrongUsage } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { release } from '../fluxctl/release.ts'
import type { Keys } from '../fluxctl/menu.ts'
import { itemsOf, resultText } from '../fluxctl/results.ts'
import { runVerb } from './run-verb.ts'
import { chooseSourceOf } from './choose-source.ts'
import { followAnswer } from './follow-answer.ts'
import { poll } from './follow-job.ts'
import { watchRelease } from './watch-release.ts'
import { workloadId } from './workload-id.ts'
import { watchEvents } from '../watch.ts'

export type ReleaseOptions = {
  source: string | undefined
  namespace: string | undefined
  workloads: readonly string[]
  all: boolean
  image: string | undefined
  allImages: boolean
  exclude: readonly string[]
  force: boolean
  dryRun: boolean
  message: string | undefined
  user: string | undefined
  /** 0: what was or would be done; 1: also what was skipped; 2: also what was ignored. */
  verbosity: number
  timeoutMs: number
  output: OutputFormat
  /** From a menu. */
  interactive: boolean
  /** Show the rollout. */
  watch: boolean
  keys: () => Keys
}

/** `capstan release`: images into git, as fluxctl did it, and then onto the cluster. Nothing to do is a success. */
export const releaseImages: Action<ReleaseOptions> = async (context, options) => {
  const request = requestOf(context, options)
  if (options.interactive) return await releaseChosen(context, options)
  const { namespace, name } = await chooseSourceOf(context, options.source, request.workloads ?? [])
  const { signal, err } = context
  if (options.output === 'table') err.write(`Submitting ${options.dryRun ? 'dry-run ' : ''}release ...\n`)
  const asked = await context.client().releaseImages(namespace, name, request, { signal })
  const { timeoutMs } = options
  const answer = await followAnswer(context, asked, { timeoutMs, waitingFor: 'the release' })
  const code = await printAnswer(context, answer, options)
  if (answer.revision === '' || options.output === 'json') return code
  await waitUntilApplied(context, answer, timeoutMs)
  if (options.watch) await watchRelease(context, { ids: changedIn(answer), verbosity: 0 }, timeoutMs)
  return code
}

/** The menu is fluxctl's, and so is what it asks the server for: the source of the flags. */
async function releaseChosen(context: Context, options: ReleaseOptions): Promise<ExitCode> {
  const { source, output, image, allImages, dryRun, verbosity, timeoutMs, workloads, namespace } = options
  if (source !== undefined || output !== 'table')
    throw new WrongUsage('--interactive goes with neither --source nor -o.')
  const { all, exclude, force, watch, message, user } = options
  const flags = {
    all,
    exclude,
    force,
    watch,
    message,
    user,
    namespace,
    interactive: true,
    'dry-run': dryRun,
    'update-image': image,
    'update-all-images': allImages,
    workload: workloads,
    verbose: verbosity,
  }
  const show = release(options.keys, (_, what) => watchRelease(context, what, timeoutMs))
  return await runVerb(context, show, { flags, timeoutMs })
}

function changedIn({ result }: ImageAnswer): string[] {
  const changed = Object.entries(result).filter(([, { Status }]) => Status === 'success')
  return changed.map(([id]) => id)
}

/** Which flags go together. */
function check(context: Context, { workloads, all, image, allImages, force, dryRun, watch }: ReleaseOptions): void {
  if ((image !== undefined) === allImages)
    throw new WrongUsage('Give exactly one of --update-image=<image> and --update-all-images.')
  if (all === workloads.length > 0) throw new WrongUsage('Give --all, or at least one --workload.')
  if (watch && dryRun) throw new WrongUsage('--watch has nothing to watch with --dry-run.')
  if (force && all && allImages) throw new WrongUsage('--force has no effect with --all and --update-all-images.')
  if (force && all)
    context.err.write('Warning: --force does not open locks where --all is meant; name the workloads.\n')
  if (force && allImages) context.err.write('Warning: --force overrides no tag filter with --update-all-images.\n')
}

function requestOf(context: Context, options: ReleaseOptions): ReleaseRequest {
  const { workloads, all, image, exclude, force, dryRun, message, namespace } = options
  check(context, options)
  return {
    by: options.user ?? context.user,
    ...(message === undefined ? {} : { message }),
    ...(all ? {} : { workloads: workloads.map((one) => workloadId(one, namespace)) }),
    ...(image === undefined ? {} : { image }),
    exclude: exclude.map((one) => workloadId(one, namespace)),
    force,
    dryRun,
  }
}

/** The table of fluxctl, and the exit code: 1 where a workload failed. */
export async function printAnswer(
  { out, err }: Pick<Context, 'out' | 'err'>,
  answer: ImageAnswer,
  { output, verbosity }: { output: OutputFormat; verbosity: number },
): Promise<ExitCode> {
  const hasFailed = Object.values(answer.result).some(({ Status }) => Status === 'failed')
  const code = hasFailed ? exitCodes.failed : exitCodes.done
  if (output === 'json') {
    out.write(printJson(answer))
    return code
  }
  out.write(resultText(answer.result, verbosity))
  const shown = new Set(itemsOf(answer.result, verbosity).map(({ id }) => id))
  const others = Object.keys(answer.result).length - shown.size
  if (answer.revision !== '') err.write(`Commit pushed:\t${answer.revision.slice(0, 7)}\n`)
  else if (!hasFailed && !Object.values(answer.result).some(({ Status }) => Status === 'success')) {
    err.write(`Nothing to do${others > 0 ? ` (${others} skipped or ignored; -v and -vv show why)` : ''}\n`)
  }
  return code
}

/** Also where somebody else's commit came on top of it before the source was synced. */
async function waitUntilApplied(context: Context, answer: ImageAnswer, timeoutMs: number): Promise<void> {
  const { namespace, name, revision } = answer
  let known = ''
  const waitingFor = 'the commit to be applied'
  await poll(
    context,
    { at: context.now() + timeoutMs, waitingFor, why: () => known },
    async () => {
      const { signal } = context
      const { applied, reason, message } = await context.client().commitApplied(namespace, name, revision, { signal })
      known = reason === '' ? '' : `${clean(reason)}: ${clean(message)}`
      return applied ? true : undefined
    },
    watchEvents(context),
  )
  context.err.write(`Commit applied:\t${revision.slice(0, 7)}\n`)
}
