import { parseRevision } from '../source/revision.ts'
import { type History, isBehind } from './history.ts'
import { type SourceFacts, sourceSteps } from './source-steps.ts'
import { makeStep, type Step } from './step.ts'

/** Where one commit is on its way, in a source that has it: fetched, applied, or what it waits for. */
export function commitSteps(commit: string, history: History, facts: SourceFacts): Step[] {
  const { id, status } = facts
  const revision = status?.revision ?? ''
  const seen = seenStep(commit, history, facts)
  if (isIn(commit, revision, history)) {
    const message = `applied with ${short(revision)}`
    return [seen, makeStep('apply', id, 'done', { at: status?.changedAt ?? '', message })]
  }
  const [fetch, ...rest] = sourceSteps(facts)
  // what is fetched is fetched: a repository that is away now does not keep it from being applied
  const isAway = facts.fetched?.reason !== ''
  return [fetch?.state === 'stopped' && !isAway ? fetch : seen, ...rest]
}

function seenStep(commit: string, { head }: History, { id, follows, fetched }: SourceFacts): Step {
  const message =
    head === commit ? `it is the head of ${follows}` : `${follows} has it, and is at ${head.slice(0, 7)} now`
  return makeStep('revision', id, 'done', { at: fetched?.at ?? '', message })
}

/** Whether a revision holds the commit, as far as anybody remembers. */
function isIn(commit: string, revision: string, history: History): boolean {
  const tip = parseRevision(revision)?.commit
  return tip !== undefined && isBehind(history, commit, tip) === true
}

function short(revision: string): string {
  return revision.replace(/@([0-9a-f]{7})[0-9a-f]{33}$/, '@$1')
}
