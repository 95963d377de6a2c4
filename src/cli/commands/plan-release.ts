import type { Plan } from '../../api/contract/plan.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { printTable } from '../print/table.ts'
import { chooseRelease } from './choose-release.ts'
import { codeOf, planText, waitForPlan } from './plan.ts'

export type ReleasePlanOptions = { name: string; timeoutMs: number; output: OutputFormat }

/** `capstan helm plan`: what the next install or upgrade would change. Exit 0 when nothing, 2 when something. */
export const planRelease: Action<ReleasePlanOptions> = async (context, options) => {
  const plan = await ask(context, options, 'changes')
  context.out.write(options.output === 'json' ? printJson(plan) : planText(plan, context.style))
  return codeOf(plan)
}

/** `capstan helm values`: each value that helm gets, and where it comes from. */
export const showValues: Action<ReleasePlanOptions> = async (context, options) => {
  const plan = await ask(context, options, 'values')
  if (plan.state === 'failed') context.out.write(planText(plan, context.style))
  else context.out.write(options.output === 'json' ? printJson(plan.values ?? []) : valuesText(plan))
  return plan.state === 'failed' ? exitCodes.failed : exitCodes.done
}

async function ask(
  context: Context,
  { name: given, timeoutMs, output }: ReleasePlanOptions,
  show: 'changes' | 'values',
): Promise<Plan> {
  const { client, user, signal, err, now } = context
  const { namespace, name } = await chooseRelease(context, given)
  const asked = await client().planRelease(namespace, name, { show, by: user }, { signal })
  if (output === 'table') err.write(`asking about ${clean(`${namespace}/${name}`)}: job ${clean(asked.job)}\n`)
  return await waitForPlan(context, asked, now() + timeoutMs)
}

function valuesText({ values = [] }: Plan): string {
  if (values.length === 0) return 'no values but those of the chart\n'
  const rows = values.map(({ path, value, source, over }) => [
    clean(path),
    clean(value),
    clean(source),
    clean(over.join(', ')) || '-',
  ])
  return printTable(['KEY', 'VALUE', 'FROM', 'IN PLACE OF'], rows)
}
