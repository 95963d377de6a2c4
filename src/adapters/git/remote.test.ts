import { describe, expect, it } from 'vitest'
import { reach } from './remote.ts'

const options = { allowLocal: false }

describe('a remote', () => {
  it.each([
    [
      'https://u:p%40ss@host/x',
      'https://host/x',
      'https://u@host/x',
      { kind: 'basic', username: 'u', password: 'p@ss' },
    ],
    [
      'https://token@host/x',
      'https://host/x',
      'https://token@host/x',
      { kind: 'basic', username: 'token', password: '' },
    ],
    ['https://host/x', 'https://host/x', 'https://host/x', undefined],
    ['git@host:x/y', 'git@host:x/y', 'ssh://git@host/x/y', undefined],
    ['ssh://git@host/x', 'ssh://git@host/x', 'ssh://git@host/x', undefined],
  ])('%s gives git a URL without credentials', (given, url, shown, auth) => {
    expect(reach({ url: given }, options)).toMatchObject({ url, shown, auth })
  })

  it('takes what is given beside the URL before what is in it', () => {
    const auth = { kind: 'basic', username: 'a', password: 'b' } as const
    expect(reach({ url: 'https://u:p@host/x', auth }, options).auth).toEqual(auth)
  })

  it('has a mirror of its own for each URL and credential', () => {
    const names = ['https://host/x', 'https://host/y', 'https://u:1@host/x', 'https://u:2@host/x', 'https://v:1@host/x']
    expect(new Set(names.map((url) => reach({ url }, options).name)).size).toBe(5)
    expect(reach({ url: 'https://host/x' }, options).name).toMatch(/^[0-9a-f]{32}$/)
  })
})
