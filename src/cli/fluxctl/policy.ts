import { awaitAndPrint } from './await-job.ts'
import type { Verb, VerbContext } from './context.ts'
import { Failure } from './failure.ts'
import { parseId } from './names.ts'

type Switch = 'automate' | 'deautomate' | 'lock' | 'unlock'
type Change = { add: Record<string, string>; remove: Record<string, string> }

/** `fluxctl policy`. */
export const policy: Verb = async (context) => {
  const { flags } = context
  const switches = (['automate', 'deautomate', 'lock', 'unlock'] as const).filter((name) => flags.on(name))
  await change(context, new Set(switches), flags.list('tag'))
}

/** `fluxctl automate`, `deautomate`, `lock` and `unlock`. */
export function shorthand(name: Switch): Verb {
  return async (context) => await change(context, new Set([name]), [])
}

async function change(context: VerbContext, switches: ReadonlySet<Switch>, tags: readonly string[]): Promise<void> {
  const { flags, words, api } = context
  if (words.length > 0) throw new Failure('expected no (non-flag) arguments')
  const workload = workloadOf(context)
  if (switches.has('automate') && switches.has('deautomate'))
    throw new Failure('automate and deautomate both specified')
  if (switches.has('lock') && switches.has('unlock')) throw new Failure('lock and unlock both specified')
  const id = parseId(await context.namespace(), workload)
  const cause = { Message: flags.text('message'), User: await context.author() }
  const changes = switchesOf(switches, cause)
  if (flags.text('tag-all') !== '') changes.add.tag_all = patternOf(flags.text('tag-all'))
  for (const pair of tags) setTag(pair, changes)
  const job = await api.update({ type: 'policy', cause, spec: { [id]: changes } })
  await awaitAndPrint(context, job, { apply: false })
}

/** `--workload`, or its old spelling. */
function workloadOf({ flags }: VerbContext): string {
  const [workload, controller] = [flags.text('workload'), flags.text('controller')]
  if (workload !== '' && controller !== '') throw new Failure("can't specify both the controller and workload")
  if (workload === '' && controller === '') throw new Failure('-w, --workload is required')
  return workload || controller
}

function switchesOf(switches: ReadonlySet<Switch>, { Message, User }: { Message: string; User: string }): Change {
  // by name, as Go writes a map: edits come in that order
  const who = User === '' ? {} : { locked_msg: Message, locked_user: User }
  return {
    add: {
      ...(switches.has('automate') ? { automated: 'true' } : {}),
      ...(switches.has('lock') ? { locked: 'true', ...who } : {}),
    },
    remove: {
      ...(switches.has('deautomate') ? { automated: 'true' } : {}),
      ...(switches.has('unlock') ? { locked: 'true', locked_msg: 'true', locked_user: 'true' } : {}),
    },
  }
}

/** One `=` and no more: a filter that has one itself is for `capstan policy`. */
function setTag(pair: string, { add, remove }: Change): void {
  const [container = '', filter = '', ...more] = pair.split('=')
  if (!pair.includes('=') || more.length > 0) {
    throw new Failure(`invalid container/tag pair: ${JSON.stringify(pair)}. Expected format is 'container=filter'`)
  }
  if (filter === '*') remove[`tag.${container}`] = 'true'
  else add[`tag.${container}`] = patternOf(filter)
}

function patternOf(text: string): string {
  const [, kind = 'glob', rest = ''] = /^(?:(semver|regexp|regex|glob):)?([^]*)$/.exec(text) ?? []
  return `${kind === 'regex' ? 'regexp' : kind}:${rest}`
}
