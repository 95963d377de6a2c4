import { describe, expect, it } from 'vitest'
import { rememberReviews } from './reviews.ts'

function bench() {
  const asked: string[] = []
  let time = 0
  let isAway = false
  const reviews = rememberReviews(
    {
      async whose(token) {
        asked.push(token)
        if (isAway) throw new Error('away')
        return token === 'bad' ? undefined : { username: token, groups: [] }
      },
      async may(user, { verb, namespace }) {
        asked.push(`${user.username} ${verb} ${namespace}`)
        return verb === 'get'
      },
    },
    () => time,
  )
  return { reviews, asked, pass: (ms: number) => (time += ms), goAway: (away: boolean) => (isAway = away) }
}

describe('what the cluster said', () => {
  it('counts for ten seconds, yes and no', async () => {
    const { reviews, asked, pass } = bench()
    for (const token of ['alice', 'bad', 'alice', 'bad']) await reviews.whose(token)
    expect(asked).toEqual(['alice', 'bad'])
    pass(10_000)
    expect(await reviews.whose('bad')).toBeUndefined()
    expect(asked).toEqual(['alice', 'bad', 'bad'])
  })

  it('is asked for each person, right and place', async () => {
    const { reviews, asked } = bench()
    const alice = { username: 'alice', groups: ['a'] }
    const right = { verb: 'get', resource: 'sources', namespace: 'a' } as const
    for (const user of [alice, alice, { username: 'alice', groups: ['b'] }, { username: 'bob', groups: ['a'] }])
      expect(await reviews.may(user, right)).toBe(true)
    expect(await reviews.may(alice, { ...right, verb: 'sync' })).toBe(false)
    expect(await reviews.may(alice, { ...right, namespace: '' })).toBe(true)
    expect(asked).toEqual(['alice get a', 'alice get a', 'bob get a', 'alice sync a', 'alice get '])
  })

  it('is not made up where it could not be asked', async () => {
    const { reviews, goAway } = bench()
    goAway(true)
    await expect(reviews.whose('alice')).rejects.toThrow('away')
    goAway(false)
    expect(await reviews.whose('alice')).toEqual({ username: 'alice', groups: [] })
  })
})
