import type { ImageAnswer, ReleaseRequest } from '../../api/contract/image.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { type ExitCode, exitCodes, WrongUsage } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { printTable } from '../print/table.ts'
import { chooseSource } from './choose-source.ts'
import { followAnswer } from './follow-answer.ts'
import { poll } from './follow-job.ts'
import { workloadId } from './workload-id.ts'

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
}

/** `capstan release`: images into git, as fluxctl did it, and then onto the cluster. Nothing to do is a success. */
export const releaseImages: Action<ReleaseOptions> = async (context, options) => {
  const request = requestOf(context, options)
  const { namespace, name } = await chooseSource(context, options.source)
  const { signal, err } = context
  if (options.output === 'table') err.write(`Submitting ${options.dryRun ? 'dry-run ' : ''}release ...\n`)
  const asked = await context.client().releaseImages(namespace, name, request, { signal })
  const { timeoutMs } = options
  const answer = await followAnswer(context, asked, { timeoutMs, waitingFor: 'the release' })
  const code = await printAnswer(context, answer, options)
  if (answer.revision === '' || options.output === 'json') return code
  await waitUntilApplied(context, answer, timeoutMs)
  return code
}

function requestOf(context: Context, options: ReleaseOptions): ReleaseRequest {
  const { workloads, all, image, allImages, exclude, force, dryRun, message, namespace } = options
  if ((image !== undefined) === allImages)
    throw new WrongUsage('Give exactly one of --update-image=<image> and --update-all-images.')
  if (all === workloads.length > 0) throw new WrongUsage('Give --all, or at least one --workload.')
  if (force && all && allImages) throw new WrongUsage('--force has no effect with --all and --update-all-images.')
  if (force && all)
    context.err.write('Warning: --force does not open locks where --all is meant; name the workloads.\n')
  if (force && allImages) context.err.write('Warning: --force overrides no tag filter with --update-all-images.\n')
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
  const shown = ['failed', 'success', ...(verbosity > 0 ? ['skipped'] : []), ...(verbosity > 1 ? ['ignored'] : [])]
  const named = Object.entries(answer.result).filter(([, { Status }]) => shown.includes(Status))
  const rows = named
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, { Status, Error: why = '', PerContainer = [] }]) => {
      const changes = PerContainer.map(
        ({ Container, Current, Target }) => `${Container}: ${Current} -> ${tagOf(Target)}`,
      )
      const [first = '', ...more] = [...changes, ...(why ? [why] : [])].map(clean)
      return [[clean(id), Status, first], ...more.map((line) => ['', '', line])]
    })
  if (rows.length > 0) out.write(printTable(['WORKLOAD', 'STATUS', 'UPDATES'], rows))
  const others = Object.keys(answer.result).length - named.length
  if (answer.revision !== '') err.write(`Commit pushed:\t${answer.revision.slice(0, 7)}\n`)
  else if (!hasFailed && !rows.some(([, status]) => status === 'success')) {
    err.write(`Nothing to do${others > 0 ? ` (${others} skipped or ignored; -v and -vv show why)` : ''}\n`)
  }
  return code
}

function tagOf(image: string): string {
  return image.slice(image.lastIndexOf('/') + 1).replace(/^[^:@]*[:@]/, '')
}

async function waitUntilApplied(context: Context, answer: ImageAnswer, timeoutMs: number): Promise<void> {
  const { namespace, name, revision } = answer
  const deadline = { at: context.now() + timeoutMs, waitingFor: 'the commit to be applied' }
  await poll(context, deadline, async () => {
    const { attempted } = await context.client().source(namespace, name, { signal: context.signal })
    return attempted.endsWith(`@${revision}`) ? true : undefined
  })
  context.err.write(`Commit applied:\t${revision.slice(0, 7)}\n`)
}
