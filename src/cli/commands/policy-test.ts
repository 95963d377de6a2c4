import type { Action, Context, OutputFormat } from '../context.ts'
import { type ExitCode, exitCodes, WrongUsage } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { printListing } from '../print/listing.ts'
import { chooseSource } from './choose-source.ts'
import { followAnswer } from './follow-answer.ts'
import { imagesListing, tagTable } from './images.ts'

export type PolicyTestOptions = {
  policy: string
  extract: string | undefined
  deny: string | undefined
  minAge: string | undefined
  /** Whose tags are tried; undefined: those on standard input. */
  image: string | undefined
  current: string | undefined
  source: string | undefined
  timeoutMs: number
  output: OutputFormat
  readInput: () => Promise<string>
}

/** `capstan policy test`: what a policy would choose, of the tags of an image or of a list. Exit 1 when it is nothing. */
export const testPolicy: Action<PolicyTestOptions> = async (context, options) => {
  const { policy, extract, deny, minAge } = options
  const rules = {
    policy,
    ...(extract === undefined ? {} : { extract }),
    ...(deny === undefined ? {} : { deny }),
    ...(minAge === undefined ? {} : { minAge }),
  }
  return options.image === undefined
    ? await testList(context, rules, options)
    : await testImage(context, { ...rules, image: options.image, by: context.user }, options)
}

type Rules = { policy: string; extract?: string; deny?: string; minAge?: string }

async function testList(context: Context, rules: Rules, options: PolicyTestOptions): Promise<ExitCode> {
  const tags = readTags(await options.readInput())
  if (tags.length === 0) throw new WrongUsage('Give --image, or tags on standard input, one a line.')
  const current = options.current === undefined ? {} : { current: options.current }
  const verdict = await context.client().testPolicy({ ...rules, ...current, tags }, { signal: context.signal })
  if (options.output === 'json') context.out.write(printJson(verdict))
  else context.out.write(`${verdict.choice} ${clean(verdict.why)}\n${tagTable(verdict.tags, context)}`)
  return verdict.choice === 'hold' ? exitCodes.failed : exitCodes.done
}

/** A tag a line, with the time of its image behind it where that is known. */
function readTags(text: string): { tag: string; created?: string }[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [tag = '', created] = line.trim().split(/\s+/)
    if (tag === '' || tag.startsWith('#')) return []
    return [{ tag, ...(created === undefined ? {} : { created }) }]
  })
}

async function testImage(
  context: Context,
  request: Rules & { image: string; by: string },
  options: PolicyTestOptions,
): Promise<ExitCode> {
  const { namespace, name } = await chooseSource(context, options.source)
  const asked = await context.client().testImagePolicy(namespace, name, request, { signal: context.signal })
  const answer = await followAnswer(context, asked, { timeoutMs: options.timeoutMs, waitingFor: 'the tags' })
  context.out.write(printListing(imagesListing(context, answer, { all: true, limit: 0 }), options.output))
  const [container] = answer.images[0]?.containers ?? []
  return container?.choice === 'keep' || container?.choice === 'change' ? exitCodes.done : exitCodes.failed
}
