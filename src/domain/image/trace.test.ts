import { describe, expect, it } from 'vitest'
import type { RepositoryFacts } from './facts.ts'
import { parsePolicy, type PolicyText } from './policy.ts'
import { traceTags } from './trace.ts'

const now = Date.UTC(2026, 0, 10)
const hour = 3600_000
const digest = `sha256:${'a'.repeat(64)}`

/** Tags with the age of their images in hours; null: nobody looked. */
function facts(ages: Record<string, number | null>): RepositoryFacts {
  const described = Object.entries(ages).flatMap(([tag, age]) =>
    age === null ? [] : [[tag, { digest, created: now - age * hour, readAt: 0, holdsMs: 1 }] as const],
  )
  return { tags: Object.keys(ages), described: new Map(described) }
}

function trace(policy: PolicyText, current: string, known: RepositoryFacts): string[] {
  const read = parsePolicy(policy)
  if ('problem' in read) throw new Error(read.problem)
  const { tags } = traceTags(read.policy, { tag: current }, known, now)
  return tags.map(({ tag, verdict, isCurrent, why }) => `${isCurrent ? '*' : ''}${tag} ${verdict}: ${why}`)
}

describe('traceTags', () => {
  it('names for every tag the rule that took or refused it', () => {
    const known = facts({ '1.0': 50, '1.1': 5, '1.2': 40, '1.3': null, '2.0': 30, latest: 1, '1.9-bad': 30 })
    expect(trace({ filter: 'glob:1.*', minAge: '24h', deny: '*-bad' }, '1.0', known)).toEqual([
      '1.2 chosen: newest of 4 tags for glob:1.*',
      '*1.0 candidate: matches glob:1.*',
      'latest refused: is taken only by glob:latest',
      '1.1 refused: its image is younger than the minimum age',
      '1.9-bad refused: denied by *-bad',
      '2.0 refused: does not match glob:1.*',
      '1.3 refused: its image has not been looked at',
    ])
  })

  it('says why the first one is held', () => {
    const [first] = trace({ filter: 'semver:*' }, '3.0.0', facts({ '1.0.0': 1, '2.0.0': 1 }))
    expect(first).toMatch(/^2\.0\.0 candidate: first for semver:\*, but held: the current tag 3\.0\.0 comes before/)
  })
})
