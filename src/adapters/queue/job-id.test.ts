import { describe, expect, it } from 'vitest'
import { createJobIds, findQueue, shownId } from './job-id.ts'

describe('job ids', () => {
  const ids = createJobIds(
    () => 1_800_000_000_000,
    () => 0.5,
  )

  it('name the queue, hold no colon and differ within one millisecond', () => {
    const made = Array.from({ length: 1000 }, () => ids('sync-source'))
    expect(new Set(made).size).toBe(1000)
    expect(made[0]).toMatch(/^sync-source\.[0-9a-z]{15}$/)
  })

  it('lead back to the queue', () => {
    const id = ids('fetch-source')
    expect(findQueue(shownId('fetch-source', id))).toEqual({ kind: 'fetch-source', id })
  })

  it('show the jobs of a scheduler without colons, and lead back', () => {
    const shown = shownId('resync', 'repeat:sources:1800000000000')
    expect(shown).toBe('resync.repeat~sources~1800000000000')
    expect(findQueue(shown)).toEqual({ kind: 'resync', id: 'repeat:sources:1800000000000' })
  })

  it.each(['', '12', 'nothing.1', 'sync-source', 'sync-source.a:b', `resync.${'x'.repeat(600)}`])(
    'are refused when no job can have them: %s',
    (id) => {
      expect(findQueue(id)).toBeUndefined()
    },
  )
})
