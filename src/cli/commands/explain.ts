import { ApiRefusal } from '../../api/client.ts'
import type { Explanation, ExplainStep, FirstCause } from '../../api/contract/explain.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { type ExitCode, exitCodes, WrongUsage } from '../exit.ts'
import { ageOf, untilOf } from '../print/age.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { printTable } from '../print/table.ts'

export type ExplainOptions = {
  subject: string
  /** Of a kind/name; undefined: wherever it is. */
  namespace: string | undefined
  output: OutputFormat
}

/** `capstan explain`: exit 0 when all is done, 1 when something stops it or it is on its way, 4 when there is no such thing. */
export const explain: Action<ExplainOptions> = async (context, { subject, namespace, output }) => {
  const found = await ask(context, subject, namespace)
  context.out.write(output === 'json' ? printJson(found) : explanationText(found, context))
  return codeOf(found)
}

async function ask({ client, signal }: Context, subject: string, namespace: string | undefined): Promise<Explanation> {
  try {
    return await client().explain({ subject, ...(namespace ? { namespace } : {}) }, { signal })
  } catch (error) {
    // several things have that name
    if (error instanceof ApiRefusal && error.problem.reason === 'InvalidRequest') throw new WrongUsage(error.message)
    throw error
  }
}

function codeOf({ state }: Explanation): ExitCode {
  return state === 'done' ? exitCodes.done : exitCodes.failed
}

function explanationText({ subject, state, cause, steps, notes }: Explanation, context: Context): string {
  const { style } = context
  const head = `${subject.kind} ${clean(subject.id)}: ${stateWords(state, cause, style)}\n`
  const told = notes.map((note) => `${style.warn('note')}  ${clean(note)}\n`).join('')
  return [head, cause ? causeText(cause, context) : '', stepTable(steps, context), told].filter(Boolean).join('\n')
}

function stateWords(state: Explanation['state'], cause: FirstCause | null, style: Context['style']): string {
  if (!cause) return style.good('all is done')
  const where = `${state === 'stopped' ? 'stopped at' : 'on its way, now at'} ${cause.step}`
  return state === 'stopped' ? style.bad(where) : style.warn(where)
}

function causeText(
  { reason, message, of, at, unblock, command, nextTryAt }: FirstCause,
  { now, style }: Context,
): string {
  const lines: [string, string][] = [
    ['why', `${style.bad(clean(reason))} ${clean(message)}`.trim()],
    ['of', clean(of)],
    ['since', at ? `${clean(at)} (${ageOf(at, now())} ago)` : ''],
    ['unblock', clean(unblock)],
    ['command', clean(command)],
    ['next try', nextTryAt ? `${untilOf(nextTryAt, now())} (${clean(nextTryAt)})` : ''],
  ]
  return lines
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `  ${name.padEnd(10)}${text}\n`)
    .join('')
}

function stepTable(steps: readonly ExplainStep[], { now, style }: Context): string {
  const paint: Record<ExplainStep['state'], (text: string) => string> = {
    done: style.good,
    waiting: style.warn,
    stopped: style.bad,
    skipped: style.faint,
    unknown: style.warn,
  }
  const rows = steps.map(({ step, of, state, at, reason, message, nextTryAt }) => [
    step,
    paint[state](state),
    ageOf(at, now()),
    nextTryAt ? untilOf(nextTryAt, now()) : '-',
    clean(of),
    clean(reason ? `${reason}: ${message}` : message),
  ])
  return printTable(['STEP', 'STATE', 'AGE', 'NEXT TRY', 'OF', 'WHY'], rows)
}
