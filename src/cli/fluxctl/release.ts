import type { ContainerUpdate, JobResult } from './api.ts'
import { awaitAndPrint, awaitJob } from './await-job.ts'
import type { Verb, VerbContext } from './context.ts'
import { Failure } from './failure.ts'
import { choose, type Keys } from './menu.ts'
import { parseId, parseImage, repositoryOf } from './names.ts'
import { watchRollout } from './rollout.ts'

type Watch = (context: VerbContext, what: { ids: readonly string[]; verbosity: number }) => Promise<unknown>

/** `fluxctl release`; `keys` is the terminal for `--interactive`, `watch` what `--watch` does. */
export function release(keys: () => Keys, watch: Watch = watchRollout): Verb {
  return async (context) => {
    const { flags, api, err } = context
    checkFlags(context)
    const spec = await specOf(context)
    const isPlan = spec.Kind === 'plan'
    err.write(isPlan ? 'Submitting dry-run release ...\n' : 'Submitting release ...\n')
    const cause = { Message: flags.text('message'), User: await context.author() }
    const asked = await api.update({ type: 'image', cause, spec })
    const planned = await awaitJob(context, asked)
    const id = flags.on('interactive') ? await submitChosen(context, { planned, cause, keys: keys() }) : asked
    if (id === undefined) return
    await awaitAndPrint(context, id, { apply: flags.on('interactive') || !flags.on('dry-run') })
    if (!flags.on('watch')) return
    const changed = Object.entries(planned.result ?? {}).filter(([, { Status }]) => Status === 'success')
    const ids = changed.map(([workload]) => workload)
    await watch(context, { ids, verbosity: flags.number('verbose') })
  }
}

function checkFlags({ flags, words, err }: VerbContext): void {
  if (words.length > 0) throw new Failure('expected no (non-flag) arguments')
  const [hasImage, allImages] = [flags.text('update-image') !== '', flags.on('update-all-images')]
  const choice = '--update-image=<image> or --update-all-images'
  if (hasImage && allImages) throw new Failure(`please supply only one of ${choice}`)
  if (!hasImage && !allImages) throw new Failure(`please supply exactly one of ${choice}`)
  const [isAll, isForced] = [flags.on('all'), flags.on('force')]
  if (workloadsOf(flags).length === 0 && !isAll)
    throw new Failure('please supply either --all, or at least one --workload=<workload>')
  if (flags.on('watch') && flags.on('dry-run')) throw new Failure('cannot use --watch with --dry-run')
  if (!isForced) return
  if (isAll && allImages) throw new Failure('--force has no effect when used with --all and --update-all-images')
  if (isAll) err.write('Warning: --force will not ignore locked workloads when used with --all\n')
  else if (allImages)
    err.write('Warning: --force will not ignore container image tags when used with --update-all-images\n')
}

function workloadsOf(flags: VerbContext['flags']): string[] {
  return [...flags.list('workload'), ...flags.list('controller')]
}

async function specOf({ flags, namespace }: VerbContext) {
  const space = await namespace()
  const named = flags.on('all') ? ['<all>'] : workloadsOf(flags).map((one) => parseId(space, one))
  const excludes = flags.list('exclude').map((one) => parseId(space, one))
  return {
    ServiceSpecs: named,
    ImageSpec: flags.on('update-all-images') ? '<all latest>' : imageSpecOf(flags.text('update-image')),
    Kind: flags.on('dry-run') || flags.on('interactive') ? 'plan' : 'execute',
    Excludes: excludes.length > 0 ? excludes : null,
    Force: flags.on('force'),
  }
}

function imageSpecOf(text: string): string {
  if (text === '<all latest>') return text
  const ref = parseImage(text)
  if (ref.tag === '')
    throw new Failure('blank tag (if you want latest, explicitly state the tag :latest): invalid image ID')
  return `${repositoryOf(ref)}${ref.sha ? `@sha256:${ref.sha}` : `:${ref.tag}`}`
}

type Choice = { planned: JobResult; cause: { Message: string; User: string }; keys: Keys }

/** Asks which updates to make and submits them; undefined when nothing was chosen, which is told and no error. */
async function submitChosen(context: VerbContext, { planned, cause, keys }: Choice): Promise<string | undefined> {
  const { flags, api, out, err } = context
  try {
    const updates = await choose({ out, keys, results: planned.result ?? {}, verbosity: flags.number('verbose') })
    err.write('Submitting selected release ...\n')
    return await api.update({ type: 'containers', cause, spec: containersSpec(updates, flags.on('force')) })
  } catch (error) {
    context.signal.throwIfAborted()
    err.write(`${(error as Error).message}\n`)
    return undefined
  }
}

function containersSpec(updates: Record<string, ContainerUpdate[]>, isForced: boolean) {
  return { Kind: 'execute', ContainerSpecs: updates, SkipMismatches: false, Force: isForced }
}
