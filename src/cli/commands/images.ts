import type { ImageAnswer, RateBudget, TagVerdict } from '../../api/contract/image.ts'
import type { Action, Context } from '../context.ts'
import { exitCodes, NotThere } from '../exit.ts'
import { ageOf, durationOf, untilOf } from '../print/age.ts'
import { clean } from '../print/clean.ts'
import { type Listing, type ListOptions, showListing } from '../print/listing.ts'
import { printTable } from '../print/table.ts'
import { chooseSourceOf } from './choose-source.ts'
import { followAnswer } from './follow-answer.ts'
import { workloadId } from './workload-id.ts'

export type ImagesOptions = ListOptions & {
  source: string | undefined
  namespace: string | undefined
  /** One workload; undefined: all. */
  workload: string | undefined
  /** Every tag, also those that are refused. */
  all: boolean
  /** Tags of each container; 0 is all that the answer has. */
  limit: number
  timeoutMs: number
}

type Said = NonNullable<RateBudget['said']>

/** `capstan images`: which tags there are, and which rule took or refused each. */
export const showImages: Action<ImagesOptions> = async (context, options) => {
  const workload = options.workload === undefined ? {} : { workload: workloadId(options.workload, options.namespace) }
  const request = { by: context.user, all: options.all, ...workload }
  const { namespace, name } = await chooseSourceOf(context, options.source, Object.values(workload))
  return await showListing(context, options, async () => {
    const asked = await context.client().listImages(namespace, name, request, { signal: context.signal })
    const answer = await followAnswer(context, asked, { timeoutMs: options.timeoutMs, waitingFor: 'the images' })
    if (answer.images.length === 0) {
      const which = workload.workload ? ` ${clean(workload.workload)}` : ''
      throw new NotThere(`There is no workload${which} with images in ${clean(`${namespace}/${name}`)}.`)
    }
    return imagesListing(context, answer, options)
  })
}

/** An answer about images in every form. */
export function imagesListing(
  context: Context,
  { images }: Pick<ImageAnswer, 'images'>,
  choice: Pick<ImagesOptions, 'all' | 'limit'>,
): Listing {
  const texts = (wide: boolean) =>
    images.flatMap((image) => image.containers.map((one) => containerText(context, image, { ...choice, one, wide })))
  return {
    data: { images },
    names: images.map(({ id }) => id),
    table: (wide) => texts(wide).join('\n'),
    code: exitCodes.done,
  }
}

type Images = ImageAnswer['images'][number]
type Shown = Pick<ImagesOptions, 'all' | 'limit'> & { one: Images['containers'][number]; wide: boolean }

function containerText(context: Context, { id, isAutomated, blockedBy }: Images, shown: Shown): string {
  const { style, now } = context
  const { name, image, policy, choice, why, tags, tagCount, listedAt, nextScanAt, login, budget } = shown.one
  const state = [isAutomated ? 'automated' : '', blockedBy].filter(Boolean).join(', ')
  const about = [id && `${id} ${name}`, image, policy, state].filter(Boolean).map(clean).join('  ')
  const mark = choice === 'hold' ? style.warn : choice === 'unknown' ? style.bad : style.good
  const ages = `tags listed ${listedAt ? `${ageOf(listedAt, now())} ago` : 'never'}`
  const next = nextScanAt ? `, next scan ${untilOf(nextScanAt, now())}` : ''
  const pace = budget ? `  ${clean(budgetLine(budget, now()))}\n` : ''
  const notes = `  ${ages}${next}, ${login ? `login ${clean(login)}` : 'no login'}\n${pace}`
  const wanted = shown.all ? tags : tags.filter(({ verdict, isCurrent }) => verdict !== 'refused' || isCurrent)
  const first = wanted.slice(0, shown.limit || undefined)
  const left = tagCount - first.length
  const rest = left > 0 ? `  (${left} tags omitted)\n` : ''
  return `${about}\n  ${mark(choice)} ${clean(why)}\n${notes}${tagTable(first, context, shown.wide)}${rest}`
}

/** How fast a registry is asked, and what it said about that. */
function budgetLine({ host, rps, mostRps, burst, pausedUntil, said }: RateBudget, now: number): string {
  const slowed = rps < mostRps ? `${Number(rps.toFixed(1))} of ${mostRps}` : `${mostRps}`
  const pause =
    pausedUntil && Date.parse(pausedUntil) > now ? `; asked to wait, tried again ${untilOf(pausedUntil, now)}` : ''
  return `registry ${host}: at most ${slowed} requests/s, ${burst} at once${said ? saidWords(said, now) : ''}${pause}`
}

/** Nothing where the registry said only when it counts anew, and that is past. */
function saidWords({ limit, remaining, windowSeconds, resetAt, at }: Said, now: number): string {
  const window = windowSeconds === undefined ? '' : ` in ${durationOf(windowSeconds * 1000)}`
  const count =
    remaining === undefined
      ? limit !== undefined && `${limit}${window} allowed`
      : `${remaining}${limit === undefined ? '' : ` of ${limit}${window}`} left`
  const reset = resetAt !== undefined && Date.parse(resetAt) > now && `counts anew ${untilOf(resetAt, now)}`
  const words = [count, reset].filter(Boolean)
  return words.length === 0 ? '' : `; it said ${ageOf(at, now)} ago: ${words.join(', ')}`
}

/** One line a tag: `->` is the current one, `*` the one that is chosen. */
export function tagTable(
  tags: readonly TagVerdict[],
  { now, style }: Pick<Context, 'now' | 'style'>,
  wide = false,
): string {
  if (tags.length === 0) return ''
  const rows = tags.map(({ tag, verdict, isCurrent, created, digest = '', why }) => {
    const mark = `${isCurrent ? '->' : ''}${verdict === 'chosen' ? '*' : ''}`
    const paint = verdict === 'chosen' ? style.good : verdict === 'refused' ? style.faint : (text: string) => text
    const short = wide ? clean(digest) : digest.replace(/^sha256:/, '').slice(0, 12)
    const made = wide ? clean(created ?? '') || '-' : ageOf(created, now())
    return [`  ${mark}`, clean(tag), made, short || '-', paint(clean(why))]
  })
  return printTable(['', 'TAG', wide ? 'CREATED' : 'AGE', 'DIGEST', 'WHY'], rows)
}
