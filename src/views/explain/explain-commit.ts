import { commitSteps } from '../../domain/explain/commit-steps.ts'
import { findCommits } from '../../domain/explain/history.ts'
import { type Step, verdictOf } from '../../domain/explain/step.ts'
import { sourceSteps } from '../../domain/explain/source-steps.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Found } from './explanation.ts'
import type { FactReader } from './facts.ts'

type Parts = { sources: () => Promise<readonly SourceSpec[]>; facts: Pick<FactReader, 'source' | 'history'> }

/**
 * Whether a commit is fetched, applied, or what holds it, in every source that has it. One that no source has may be what a source
 * cannot fetch, and that is then the cause. Undefined for one that nobody knows.
 */
export async function explainCommit(digits: string, parts: Parts): Promise<Found | { several: string } | undefined> {
  const found = new Set<string>()
  const steps: Step[] = []
  for (const spec of await parts.sources()) {
    const history = await parts.facts.history(spec)
    for (const commit of history ? findCommits(history, digits) : []) {
      found.add(commit)
      if (history) steps.push(...commitSteps(commit, history, await parts.facts.source(spec)))
    }
  }
  const [first, ...more] = found
  if (more.length > 0) return { several: `Which one? ${[...found].join(', ')}` }
  if (first !== undefined) return { subject: { kind: 'commit', id: first }, steps }
  return await unfetched(digits, parts)
}

async function unfetched(digits: string, { sources, facts }: Parts): Promise<Found | undefined> {
  for (const spec of await sources()) {
    const source = await facts.source(spec)
    // without Redis nobody knows what was fetched
    const steps = sourceSteps(source).slice(0, source.redisIsUp ? 1 : 2)
    if (verdictOf(steps).state !== 'done') {
      return {
        subject: { kind: 'commit', id: digits },
        steps,
        notes: [`No source is known to have fetched ${digits}.`],
      }
    }
  }
  return undefined
}
