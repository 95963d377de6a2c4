import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cpuMs } from '../../../test/fakes/cpu-ms.ts'
import { chooseTag, tagsToDescribe } from './choose.ts'
import type { RepositoryFacts } from './facts.ts'
import { type Policy, type PolicyText, parsePolicy } from './policy.ts'
import { longestPattern } from './tag-filter.ts'

const digest = `sha256:${'a'.repeat(64)}`

function digestOf(tag: string): string {
  return `sha256:${Buffer.from(tag.padEnd(32)).toString('hex').slice(0, 64)}`
}

const now = Date.UTC(2026, 0, 1)

function policyOf(text: string, more: Partial<PolicyText> = {}): Policy {
  const read = parsePolicy({ filter: text, ...more })
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

const someTag = fc.stringMatching(/^v?[0-3]\.[0-3](?:\.[0-3])?(?:-rc)?$/)
const someFilter = fc.constantFrom(
  'glob:*',
  'glob:1.*',
  'semver:*',
  'semver:>=1.0-0',
  'semver:~1',
  'latest',
  'regexp:^v',
  'numeric:\\.([0-9]+)',
  'alphabetical:',
)

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
    ['regexp takes the newest that it finds something in', 'regexp:^v1', 'v1.0', facts('v1.0 v1.1 xv1.2 v2'), 'v1.1'],
    ['… unanchored', 'regexp:1', 'a', facts('v1 x1x y2'), 'x1x'],
    ['… by its other name', 'regex:^b', 'a', facts('a b c'), 'b'],
    ['… groups change nothing', 'regexp:^(?P<n>[0-9]+)-', '1-a', facts('2-b 1-a 1-c'), '1-c'],
    ['… and not latest', 'regexp:.', '1', facts('1 latest'), 'keep'],
    ['numeric takes the highest number', 'numeric:', '9', facts('10 9 x11 2'), '10'],
    [
      '… of the first group',
      'numeric:^main-[0-9a-f]+-([0-9]+)$',
      'main-ab-9',
      facts('main-cd-10 main-ab-9 dev-ab-99'),
      'main-cd-10',
    ],
    [
      '… longer than a number can be',
      'numeric:',
      '20260101000000000001',
      facts('20260101000000000002 20260101000000000001'),
      '20260101000000000002',
    ],
    ['… with a fraction', 'numeric:', '1.9', facts('1.10 1.9 1.95'), '1.95'],
    ['… never down', 'numeric:', '11', facts('10'), 'hold WouldDowngrade'],
    ['… needs no times', 'numeric:', '1', facts('!1 !2'), '2'],
    ['alphabetical takes the last', 'alphabetical:', 'a', facts('c a b'), 'c'],
    [
      '… of the first group',
      'alphabetical:^RELEASE\\.(.*)$',
      'RELEASE.2024-01',
      facts('RELEASE.2024-02 RELEASE.2024-01 zebra'),
      'RELEASE.2024-02',
    ],
    ['… and not latest', 'alphabetical:', 'a', facts('a latest'), 'keep'],
  ]
  it.each(rows)('%s', (...row) => {
    const [, filter, current, known, expected] = row
    const choice = chooseTag(policyOf(filter), { tag: current }, known, now)
    const said = choice.choice === 'change' ? choice.tag : choice.choice === 'hold' ? `hold ${choice.reason}` : 'keep'
    expect(said).toBe(expected)
    expect(choice.why).not.toBe('')
  })

  const day = 24 * 3600_000
  const aged = (ages: Record<string, number>): RepositoryFacts => {
    const described = Object.entries(ages).map(
      ([tag, days]) => [tag, { digest: digestOf(tag), created: now - days * day, readAt: 0, holdsMs: 1 }] as const,
    )
    return { tags: Object.keys(ages), described: new Map(described) }
  }
  const narrowed: [why: string, PolicyText, current: string, RepositoryFacts, expected: string][] = [
    [
      'extract: the filter sees the first group',
      { filter: 'semver:~1.2', extract: '^v(.*)-alpine$' },
      'v1.2.0-alpine',
      facts('v1.2.0-alpine v1.2.9-alpine v1.2.10 v1.3.0-alpine'),
      'v1.2.9-alpine',
    ],
    ['… or the whole match', { filter: 'semver:*', extract: '[0-9]+[.][0-9]+' }, 'a1.2', facts('a1.2 b1.10'), 'b1.10'],
    [
      'deny: such tags are never taken',
      { filter: 'semver:*', deny: '1.2.*, 2.0.0' },
      '1.1.0',
      facts('1.1.0 1.1.5 1.2.3 2.0.0'),
      '1.1.5',
    ],
    ['… and left, downwards, too', { filter: 'semver:*', deny: '1.2.*' }, '1.2.3', facts('1.1.5 1.2.3'), '1.1.5'],
    ['… by time', { filter: '*', deny: 'c*' }, 'a', facts('a b c'), 'b'],
    [
      'minimum age: the newest that is old enough',
      { filter: '*', minAge: '48h' },
      'old',
      aged({ old: 9, ripe: 3, fresh: 1 }),
      'ripe',
    ],
    [
      '… also of versions',
      { filter: 'semver:*', minAge: '48h' },
      '1.0.0',
      aged({ '1.0.0': 9, '1.1.0': 3, '1.2.0': 1 }),
      '1.1.0',
    ],
    ['… none is', { filter: '*', minAge: '48h' }, 'x', aged({ a: 1 }), 'hold NoTag'],
    ['… exactly so old', { filter: 'a', minAge: '24h' }, 'x', aged({ a: 1 }), 'a'],
    [
      '… and a version without a time is not',
      { filter: 'semver:*', minAge: '1h' },
      '1.0.0',
      facts('1.0.0 ?1.1.0'),
      'keep',
    ],
    [
      '… and a current one that is too young stays',
      { filter: '*', minAge: '48h' },
      'fresh',
      aged({ old: 9, fresh: 1 }),
      'hold WouldDowngrade',
    ],
    [
      'pin: the digest comes with the tag',
      { filter: 'semver:*', pin: 'digest' },
      '1.0.0',
      aged({ '1.1.0': 1 }),
      `1.1.0@${digestOf('1.1.0')}`,
    ],
    [
      '… and is put behind a tag that stays',
      { filter: 'semver:*', pin: 'digest' },
      '1.1.0',
      aged({ '1.1.0': 1 }),
      `1.1.0@${digestOf('1.1.0')}`,
    ],
    [
      '… an image that was not looked at is no candidate',
      { filter: 'semver:*', pin: 'digest' },
      '1.0.0',
      facts('!1.1.0'),
      'hold NoTag',
    ],
  ]
  it.each(narrowed)('%s', (...row) => {
    const [, text, current, known, expected] = row
    const choice = chooseTag(policyOf(text.filter, text), { tag: current }, known, now)
    const change = (choice.choice === 'change' && `${choice.tag}${choice.digest ? `@${choice.digest}` : ''}`) || ''
    expect(change || (choice.choice === 'hold' ? `hold ${choice.reason}` : 'keep')).toBe(expected)
  })

  it.each([
    ['the same image', digestOf('1.0'), 'keep'],
    ['a tag that was moved', digestOf('before'), 'change'],
  ])('what is pinned stays pinned: %s', (_, digest, expected) => {
    const choice = chooseTag(policyOf('semver:*'), { tag: '1.0', digest }, aged({ '1.0': 1 }), now)
    expect(choice.choice).toBe(expected)
    if (choice.choice === 'change') expect(choice).toMatchObject({ tag: '1.0', digest: digestOf('1.0') })
  })

  it('sorts images of the same time by name', () => {
    const known = facts('b a c')
    const same = [...known.described].map(([tag, fact]) => [tag, { ...fact, created: 0 }] as const)
    const choice = chooseTag(policyOf('*'), {}, { ...known, described: new Map(same) }, now)
    expect(choice).toMatchObject({ choice: 'change', tag: 'a' })
  })

  it('does not depend on the order of the tags, takes only what matches, and stays where it went', () => {
    fc.assert(
      fc.property(fc.uniqueArray(someTag, { maxLength: 8 }), someFilter, fc.option(someTag), (tags, text, current) => {
        const policy = policyOf(text)
        const known = facts(tags.join(' '), current && !tags.includes(current) ? { [current]: 'gone' } : {})
        const choice = chooseTag(policy, { tag: current ?? undefined }, known, now)
        const turned = chooseTag(
          policy,
          { tag: current ?? undefined },
          { ...known, tags: known.tags.toReversed() },
          now,
        )
        expect(turned).toEqual(choice)
        if (choice.choice !== 'change') return
        expect(policy.refusal(choice.tag)).toBeUndefined()
        expect(tags).toContain(choice.tag)
        expect(chooseTag(policy, { tag: choice.tag }, known, now).choice).toBe('keep')
      }),
      { numRuns: 1000 },
    )
  })

  it('of more tags is what it was, or the tag that was added', () => {
    const chosen = (text: string, tags: string) => {
      const choice = chooseTag(policyOf(text), {}, facts(tags), now)
      return choice.choice === 'change' ? choice.tag : undefined
    }
    fc.assert(
      fc.property(fc.uniqueArray(someTag, { minLength: 1, maxLength: 8 }), someFilter, (tags, text) => {
        // the last one is the newest
        const before = chosen(text, tags.slice(0, -1).join(' '))
        expect([before, tags.at(-1)]).toContain(chosen(text, tags.join(' ')) ?? before)
        if (before !== undefined) expect(chosen(text, tags.join(' '))).toBeDefined()
      }),
      { numRuns: 1000 },
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
    expect(tagsToDescribe(policyOf(filter), { tag: current }, tags)).toEqual(expected)
  })
})

describe('tagsToDescribe of a narrowed policy', () => {
  const tags = ['1.0', '1.2', '1.1', 'x']
  it.each([
    ['a minimum age: the first of those that match', 'semver:*', { minAge: '1h' }, {}, ['1.2', '1.1', '1.0']],
    ['a pin: the first', 'semver:*', { pin: 'digest' }, {}, ['1.2']],
    ['a digest that stands there: the first', 'semver:*', {}, { digest }, ['1.2']],
    ['not those that are denied', 'glob:1*', { deny: '1.1' }, {}, ['1.0', '1.2']],
  ] as const)('%s', (...row) => {
    const [, filter, more, current, expected] = row
    expect(tagsToDescribe(policyOf(filter, more), current, tags)).toEqual(expected)
  })
})

describe('parsePolicy', () => {
  it.each([
    ['semver:latest', "'semver:latest' is not a valid range of versions"],
    ['semver:', "'semver:' is not a valid range of versions"],
    ['regexp:(1', "'regexp:(1' is not a valid regular expression"],
    ['regexp:(?=1)', "'regexp:(?=1)' is not a valid regular expression"],
    ['numeric:[', "'numeric:[' is not a valid regular expression"],
    ['alphabetical:**', "'alphabetical:**' is not a valid regular expression"],
    ['*'.repeat(257), 'the tag filter is longer than 256 characters'],
  ])('refuses %s', (text, problem) => {
    expect(parsePolicy({ filter: text })).toEqual({ problem })
  })
  it.each([
    [{ extract: '(' }, "capstan.dev/extract: '(' is not a valid regular expression"],
    [
      { extract: 'a'.repeat(longestPattern + 1) },
      `capstan.dev/extract: '${'a'.repeat(longestPattern + 1)}' is not a valid regular expression`,
    ],
    [{ minAge: '2 days' }, "capstan.dev/min-age: '2 days' is no duration such as 24h"],
    [{ pin: 'tag' }, "capstan.dev/pin: 'tag' is unknown; it can be digest"],
  ])('refuses %j', (more, problem) => {
    expect(parsePolicy({ filter: '*', ...more })).toEqual({ problem })
  })
  it('reads, and tries on the longest tags, each of 1,000 patterns made to be slow (hazard L11)', () => {
    const pieces =
      '(a+)+ (a*)* (a|a)* (a|aa)+ (.*a){9} (x+x+)+ a? [a-z]* (?:a{1,9}){1,9} .* (a?){50} ((a+)+)+ (?i)a* **a 1.x||'
    const [prefixes, endings] = ['regexp:^ regexp: numeric: alphabetical: glob: semver:', '$ b !']
    const all = pieces.split(' ')
    const tags = [`${'a'.repeat(127)}!`, 'a'.repeat(128), '1.'.repeat(64), '1'.repeat(128)]
    const slow: string[] = []
    let read = 0
    for (let n = 0; n < 1000; n++) {
      const [piece = '', other = ''] = [all[n % all.length], all[Math.floor(n / all.length) % all.length]]
      const body = (piece.repeat(1 + ((n * 7) % 30)) + other).slice(0, 240)
      const text = `${prefixes.split(' ')[n % 6]}${body}${endings.split(' ')[n % 3]}`
      if ('policy' in parsePolicy({ filter: text })) read++
      const ms = cpuMs(() => {
        const parsed = parsePolicy({ filter: text })
        if ('policy' in parsed) for (const tag of tags) parsed.policy.part(tag)
      })
      // a few ms each; one that tries each way takes for ever
      if (ms > 2_000) slow.push(`${text}: ${ms} ms`)
    }
    expect(slow).toEqual([])
    expect(read).toBeGreaterThan(600)
  })
  it('refuses an expression of which repetitions make too much', () => {
    const text = `regexp:${'(a?){50}'.repeat(26)}`
    expect(parsePolicy({ filter: text })).toEqual({ problem: `'${text}' is not a valid regular expression` })
  })
  it('takes what follows the prefix as it is', () => {
    expect(policyOf('glob: 1').part('1')).toBeUndefined()
    expect(policyOf('1').text).toBe('glob:1')
  })
})
