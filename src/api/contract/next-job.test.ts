import { describe, expect, it } from 'vitest'
import { fetchedRevisionOf, nextJobOf } from './next-job.ts'

const sha = '0123456789abcdef0123456789abcdef01234567'

describe('the result of a fetch', () => {
  it.each([
    ['a sync follows', `main@${sha} → sync-source.abc123`, 'sync-source.abc123', `main@${sha}`],
    ['made by a scheduler', `main@${sha} → sync-source.repeat~x~1`, 'sync-source.repeat~x~1', `main@${sha}`],
    ['nothing follows', `main@${sha} is synced already`, undefined, `main@${sha}`],
    ['a branch with @', `a@b@${sha} → sync-source.a`, 'sync-source.a', `a@b@${sha}`],
    ['something else', 'no such source; nothing to do', undefined, undefined],
    ['none', undefined, undefined, undefined],
  ])('%s', (_fact, result, next, revision) => {
    expect([nextJobOf(result), fetchedRevisionOf(result)]).toEqual([next, revision])
  })
})
