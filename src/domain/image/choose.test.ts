import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseTag, tagsToDescribe } from './choose.ts'
import type { RepositoryFacts } from './facts.ts'
import { type Policy, parsePolicy } from './policy.ts'

const digest = `sha256:${'a'.repeat(64)}`

function policyOf(text: string): Policy {
  const read = parsePolicy(text)
  if ('problem' in read) throw new Error(read.problem)
  return read.policy
}

/** Tags in the order of their age, oldest first; `?` in front: the image has no time, `!`: nobody could look at it. */
function facts(text: string, alsoDescribed: Record<string, number | 'gone'> = {}): RepositoryFacts {
  const described: [string, { digest: string; created?: number; readAt: number; holdsMs: number }][] = []
  const tags = text.split(' ').filter((tag) => tag !== '')
  for (const [index, tag] of tags.entries()) {
    const name = tag.replace(/^[?!]/, '')
    const created = tag.startsWith('?') ? {} : { created: index * 1000 }
    if (!tag.startsWith('!')) described.push([name, { digest, ...created, readAt: 0, holdsMs: 1 }])
  }
  for (const [tag, created] of Object.entries(alsoDescribed)) {
    const fact = created === 'gone' ? { digest: '' } : { digest, created }
    described.push([tag, { ...fact, readAt: 0, holdsMs: 1 }])
  }
  return { tags: tags.map((tag) => tag.replace(/^[?!]/, '')), described: new Map(described) }
}

describe('chooseTag', () => {
  const rows: [why: string, filter: string, current: string | undefined, RepositoryFacts, expected: string][] = [
    ['glob takes the newest', 'glob:*', '1', facts('1 2 3'), '3'],
    ['a filter without prefix is a glob', '1.*', '1.0', facts('1.0 1.1 2.0'), '1.1'],
    ['glob goes by time and not by version', 'glob:*', '2', facts('3 2 1'), '1'],
    ['the newest stays', 'glob:*', '3', facts('1 2 3'), 'keep'],
    ['semver takes the highest, whatever its age', 'semver:*', '1.0.0', facts('2.0.0 1.0.0 1.5.0'), '2.0.0'],
    ['semver keeps inside its range', 'semver:~1.0', '1.0.0', facts('1.0.0 1.0.7 1.1.0'), '1.0.7'],
    [
      'semver takes pre-releases only where the range names one',
      'semver:>=1.0',
      '1.0.0',
      facts('1.0.0 1.1.0-rc'),
      'keep',
    ],
    ['… as here', 'semver:>=1.0-0', '1.0.0', facts('1.0.0 1.1.0-rc'), '1.1.0-rc'],
    ['semver needs no times', 'semver:*', '1.0.0', facts('!1.0.0 !1.1.0'), '1.1.0'],
    ['of equal versions the longer name comes first', 'semver:*', '1.10', facts('1.10 1.10.0'), '1.10.0'],
    ['a bare number is a version', 'semver:*', '1.0.0', facts('1.0.0 1234567'), '1234567'],
    ['latest is never chosen', 'glob:*', '1', facts('1 latest'), 'keep'],
    ['… in no letter case', 'glob:*', '1', facts('1 LATEST Latest'), 'keep'],
    ['… nor by a pattern that only matches it', 'glob:lat*', '1', facts('1 latest'), 'hold NoTag'],
    ['… but by its own name', 'glob:latest', '1', facts('1 latest'), 'latest'],
    ['… without prefix, too', 'latest', '1', facts('1 latest'), 'latest'],
    ['no tag matches', 'glob:x*', '1', facts('1 2'), 'hold NoTag'],
    ['an empty repository', 'glob:*', '1', facts(''), 'hold NoTag'],
    ['images without a time are no candidates', 'glob:*', '1', facts('1 ?2'), 'keep'],
    ['… also when there are no others', 'glob:*', 'x', facts('?1 ?2'), 'hold NoTag'],
    ['an image nobody could look at does not block the others', 'glob:*', '1', facts('1 2 !3'), '2'],
    ['the time of the current image is not needed', 'glob:*', '1', facts('?1 2'), '2'],
    ['… but it must have been asked for', 'glob:*', '1', facts('!1 2'), 'hold RegistryUnreachable'],
    [
      'a current tag outside the filter is replaced, downwards too',
      'semver:~1.0',
      '2.0.0',
      facts('1.0.1 2.0.0'),
      '1.0.1',
    ],
    ['… by time too', 'glob:1.*', '2.0', facts('1.0 1.1 2.0'), '1.1'],
    [
      'a higher current tag that is not in the registry stays',
      'semver:*',
      '3.0.0',
      facts('1.0.0 2.0.0'),
      'hold WouldDowngrade',
    ],
    ['a lower one that is not in the registry goes', 'semver:*', '1.5.0', facts('1.0.0 2.0.0'), '2.0.0'],
    [
      'a newer current image that is not listed stays',
      'glob:*',
      'x',
      facts('1 2', { x: 9_000 }),
      'hold WouldDowngrade',
    ],
    ['an older one goes', 'glob:*', 'x', facts('1 2', { x: 500 }), '2'],
    ['one that the registry does not know goes', 'glob:*', 'x', facts('1 2', { x: 'gone' }), '2'],
    ['an image without a tag gets one', 'semver:*', undefined, facts('1.0.0'), '1.0.0'],
  ]
  it.each(rows)('%s', (...row) => {
    const [, filter, current, known, expected] = row
    const choice = chooseTag(policyOf(filter), current, known)
    const said = choice.choice === 'change' ? choice.tag : choice.choice === 'hold' ? `hold ${choice.reason}` : 'keep'
    expect(said).toBe(expected)
    expect(choice.why).not.toBe('')
  })

  it('sorts images of the same time by name', () => {
    const known = facts('b a c')
    const same = [...known.described].map(([tag, fact]) => [tag, { ...fact, created: 0 }] as const)
    const choice = chooseTag(policyOf('*'), undefined, { ...known, described: new Map(same) })
    expect(choice).toMatchObject({ choice: 'change', tag: 'a' })
  })

  it('does not depend on the order of the tags, takes only what matches, and stays where it went', () => {
    const tag = fc.stringMatching(/^v?[0-3]\.[0-3](?:\.[0-3])?(?:-rc)?$/)
    const filter = fc.constantFrom('glob:*', 'glob:1.*', 'semver:*', 'semver:>=1.0-0', 'semver:~1', 'latest')
    fc.assert(
      fc.property(fc.uniqueArray(tag, { maxLength: 8 }), filter, fc.option(tag), (tags, text, current) => {
        const policy = policyOf(text)
        const known = facts(tags.join(' '), current && !tags.includes(current) ? { [current]: 'gone' } : {})
        const choice = chooseTag(policy, current ?? undefined, known)
        const turned = chooseTag(policy, current ?? undefined, { ...known, tags: known.tags.toReversed() })
        expect(turned).toEqual(choice)
        if (choice.choice !== 'change') return
        expect(policy.matches(choice.tag)).toBe(true)
        expect(tags).toContain(choice.tag)
        expect(chooseTag(policy, choice.tag, known).choice).toBe('keep')
      }),
    )
  })
})

describe('tagsToDescribe', () => {
  it.each([
    ['those that match', 'glob:1*', '1.0', ['1.0', '1.1', '2.0'], ['1.0', '1.1']],
    ['a current tag that matches and is not listed', 'glob:1*', '1.9', ['1.0', '2.0'], ['1.0', '1.9']],
    ['none for versions', 'semver:*', '1.0', ['1.0', '2.0'], []],
    ['not latest', 'glob:*', undefined, ['1.0', 'latest'], ['1.0']],
  ] as const)('%s', (...row) => {
    const [, filter, current, tags, expected] = row
    expect(tagsToDescribe(policyOf(filter), current, tags)).toEqual(expected)
  })
})

describe('parsePolicy', () => {
  it.each([
    ['semver:latest', "'semver:latest' is not a valid range of versions"],
    ['semver:', "'semver:' is not a valid range of versions"],
    ['regexp:^1', 'regexp: tag filters are not supported yet; use glob: or semver:'],
    ['regex:^1', 'regexp: tag filters are not supported yet; use glob: or semver:'],
    ['*'.repeat(257), 'the tag filter is longer than 256 characters'],
  ])('refuses %s', (text, problem) => {
    expect(parsePolicy(text)).toEqual({ problem })
  })
  it('takes what follows the prefix as it is', () => {
    expect(policyOf('glob: 1').matches('1')).toBe(false)
    expect(policyOf('1').text).toBe('glob:1')
  })
})
