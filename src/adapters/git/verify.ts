import { AppError } from '../../domain/error.ts'
import type { Command } from './command.ts'
import { mustHave } from './objects.ts'
import { checkId } from './ref-name.ts'
import { commitProblem } from './signature.ts'

export type VerifyRequest = {
  /** The commit that was applied last; absent: the whole history is looked at. */
  from?: string
  to: string
  /** `first-parent`: what was merged in need not be signed. */
  mode: 'all' | 'first-parent'
}

export type Verified = {
  /** The last commit that `to` went through with good signatures up to it; empty when there is none. */
  valid: string
  /** The first commit that is not signed by a known key, where there is one. */
  bad?: { commit: string; why: string }
}

type Step = { commit: string; parents: readonly string[] }
type Bad = { commit: string; why: string }

/** Gives git to a task, with a deadline for that task. */
export type WithGit = <T>(task: (git: Command) => Promise<T>) => Promise<T>

/** So many signatures are checked by one git process and within one deadline; gpg takes some milliseconds for each. */
const batchSize = 250

/**
 * Walks from the oldest to the newest commit after `from` and stops at the first that is not signed by a key of the keyring
 * (flux-v1 §13). Where branches meet, the answer is a commit that the branch itself went through, with nothing unsigned behind it.
 * Throws SignatureInvalid when `from` itself is bad.
 */
export async function verifyCommits(withGit: WithGit, request: VerifyRequest): Promise<Verified> {
  const { from, to } = request
  const steps = await withGit((git) => walk(git, request))
  for (let at = 0; at < steps.length; at += batchSize) {
    const bad = await withGit((git) => firstBad(git, steps.slice(at, at + batchSize)))
    if (!bad) continue
    if (bad.commit === from) {
      throw new AppError('SignatureInvalid', `the commit that was applied last, ${from}, does not count: ${bad.why}`)
    }
    return { valid: lastBefore(steps, bad.commit, to) ?? from ?? '', bad }
  }
  return { valid: to }
}

/** Every commit to look at; parents come before their children, and `from` is the first. */
async function walk(git: Command, { from, to, mode }: VerifyRequest): Promise<Step[]> {
  const given = from === undefined ? [to] : [to, from]
  for (const commit of given) checkId(commit)
  for (const commit of given) await mustHave(git, commit)
  const firstParent = mode === 'first-parent'
  const flags = ['--reverse', '--topo-order', '--parents', ...(firstParent ? ['--first-parent'] : [])]
  const ends = from === undefined ? [to] : [to, from, '--not', `${from}^@`]
  const text = await git.text(['rev-list', ...flags, ...ends, '--'])
  const steps = text.split('\n').flatMap((line) => {
    const [commit, ...parents] = line.split(' ')
    return commit ? [{ commit, parents: firstParent ? parents.slice(0, 1) : parents }] : []
  })
  return from === undefined ? steps : steps.toSorted((a, b) => Number(b.commit === from) - Number(a.commit === from))
}

async function firstBad(git: Command, steps: readonly Step[]): Promise<Bad | undefined> {
  const input = `${steps.map(({ commit }) => commit).join('\n')}\n`
  const text = await git.text(['rev-list', '--no-walk=unsorted', '--stdin', '--format=%G?%x09%GF'], { input })
  const answers = [...text.matchAll(/^commit ([0-9a-f]{40})\n(.*)\t(.*)$/gm)]
  const problems = new Map(
    answers.map(([, commit = '', word = '', fingerprint = '']) => [commit, commitProblem(word, fingerprint)]),
  )
  for (const { commit } of steps) {
    // A commit without an answer was not looked at, which is not the same as good.
    const why = problems.has(commit) ? problems.get(commit) : commitProblem('', '')
    if (why !== undefined) return { commit, why }
  }
  return undefined
}

/** The newest commit that `to` went through itself and that comes before the bad one, as everything behind it then does too. */
function lastBefore(steps: readonly Step[], bad: string, to: string): string | undefined {
  const parents = new Map(steps.map(({ commit, parents: all }) => [commit, all]))
  const good = new Set<string>()
  for (const { commit } of steps) {
    if (commit === bad) break
    good.add(commit)
  }
  let at: string | undefined = to
  while (at !== undefined && !good.has(at)) at = parents.get(at)?.[0]
  return at
}
