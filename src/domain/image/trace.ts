import { type Choice, chooseTag, createdIn, type Current, shortOf } from './choose.ts'
import type { RepositoryFacts } from './facts.ts'
import { compareTags, type Policy } from './policy.ts'

/** Why one tag is taken or not. */
export type TagVerdict = {
  tag: string
  verdict: 'chosen' | 'candidate' | 'refused'
  isCurrent: boolean
  /** The rule that took or refused it, in words for people. */
  why: string
  digest?: string
  /** Milliseconds since 1970. */
  created?: number
}

/** Everything that went into a choice: the tags that may be taken in their order, then the others, newest first and then by name. */
export type Trace = { choice: Choice; tags: TagVerdict[] }

/** Says for every tag of a repository which rule took or refused it. */
export function traceTags(policy: Policy, current: Current, facts: RepositoryFacts, now: number): Trace {
  const choice = chooseTag(policy, current, facts, now)
  const compare = compareTags(policy, createdIn(facts))
  const candidates: TagVerdict[] = []
  const refused: TagVerdict[] = []
  for (const tag of facts.tags.toSorted(compare)) {
    const why = policy.refusal(tag) ?? shortOf(policy, facts.described.get(tag), now)
    const verdict = { ...factOf(tag, facts), isCurrent: tag === current.tag }
    if (why === undefined) candidates.push({ ...verdict, verdict: 'candidate', why: `matches ${policy.text}` })
    else refused.push({ ...verdict, verdict: 'refused', why })
  }
  const [first] = candidates
  if (first) {
    first.verdict = 'chosen'
    first.why = choice.choice === 'hold' ? `first for ${policy.text}, but held: ${choice.why}` : choice.why
    if (choice.choice === 'hold') first.verdict = 'candidate'
  }
  const newest = ({ created = Number.NEGATIVE_INFINITY }: TagVerdict) => created
  const byAge = (a: TagVerdict, b: TagVerdict) => (newest(a) === newest(b) ? 0 : newest(b) - newest(a))
  return { choice, tags: [...candidates, ...refused.toSorted(byAge)] }
}

function factOf(tag: string, facts: RepositoryFacts): Pick<TagVerdict, 'tag' | 'digest' | 'created'> {
  const { digest = '', created } = facts.described.get(tag) ?? {}
  return { tag, ...(digest === '' ? {} : { digest }), ...(created === undefined ? {} : { created }) }
}
