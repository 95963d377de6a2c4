import { describe, expect, it } from 'vitest'
import type { Results } from './api.ts'
import { choose } from './menu.ts'

const results: Results = {
  'a:deployment/skipped': { Status: 'skipped', Error: 'locked' },
  'a:deployment/one': { Status: 'success', PerContainer: [{ Container: 'c', Current: 'i:1', Target: 'i:2' }] },
  'a:deployment/two': {
    Status: 'success',
    PerContainer: [
      { Container: 'd', Current: 'j:1', Target: 'j:2' },
      { Container: 'e', Current: 'k:1', Target: 'k:2' },
    ],
  },
}

async function press(...keys: string[]) {
  let text = ''
  const from = { columns: 80, [Symbol.asyncIterator]: () => keysOf(keys) }
  const chosen = await choose({ out: { write: (more) => (text += more) }, keys: from, results, verbosity: 1 })
  return { text, chosen: Object.values(chosen).flatMap((all) => all.map(({ Container }) => Container)) }
}

async function* keysOf(keys: readonly string[]) {
  yield* keys
}

describe('the menu', () => {
  it.each([
    ['all at first', ['\r'], ['c', 'd', 'e']],
    ['not what is toggled', [' ', '\r'], ['d', 'e']],
    ['what is toggled twice', [' ', ' ', '\r'], ['c', 'd', 'e']],
    ['by arrow, j, k and tab', ['\u001b[B', ' ', 'j', ' ', 'k', 'k', '\t', '\u001b[A', '\r'], ['c']],
    ['around the end', ['k', ' ', '\r'], ['c', 'd']],
  ])('chooses %s', async (_name, keys, expected) => {
    expect((await press(...keys)).chosen).toEqual(expected)
  })

  it.each(['q', '\u0003', '\u001b'])('is ended by %j, with the cursor shown again', async (key) => {
    await expect(press(key)).rejects.toThrow('Aborted.')
  })

  it('shows what is chosen, and what cannot be', async () => {
    const { text } = await press(' ', '\r')
    expect(text).toContain('  ◉ a:deployment/two')
    expect(text).toContain('⇒ ◯ a:deployment/one')
    expect(text).toContain('    a:deployment/skipped  skipped  locked')
    expect(text.endsWith('\u001b[?25h')).toBe(true)
  })

  it('says so when there is nothing to choose', async () => {
    const keys = { columns: 80, [Symbol.asyncIterator]: () => keysOf([]) }
    await expect(choose({ out: { write() {} }, keys, results: {}, verbosity: 0 })).rejects.toThrow('No changes found.')
  })
})
