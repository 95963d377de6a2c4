import { describe, expect, it } from 'vitest'
import { AppError, type Retry, toAppError, triedWithin } from './error.ts'

describe('toAppError', () => {
  it.each([
    ['a full disk', 'ENOSPC', 'DiskFull'],
    ['a spent quota', 'EDQUOT', 'DiskFull'],
    ['anything else', 'EINVAL', 'InternalError'],
  ])('tells %s', (_what, code, reason) => {
    expect(toAppError(Object.assign(new Error(`${code}: write '/cache/x'`), { code }))).toMatchObject({ reason })
  })
})

describe('triedWithin', () => {
  it('bounds the back-off and keeps everything else', () => {
    const failure = new AppError('GitUnreachable', 'No answer.', { details: { host: 'git.example' } })
    expect(triedWithin(60_000, failure)).toMatchObject({
      reason: 'GitUnreachable',
      message: 'No answer.',
      details: { host: 'git.example' },
      retry: { atMostMs: 60_000 },
    })
  })

  const kept: [string, unknown][] = [
    ['a failure that only a change of input mends', new AppError('InvalidUpload', 'x', { retry: 'never' })],
    [
      'a failure that knows its time',
      new AppError('RateLimited', 'x', { retry: { afterMs: 3_600_000 } satisfies Retry }),
    ],
    ['a bug', new TypeError('x is not a function')],
  ]
  it.each(kept)('leaves %s as it is', (_what, error) => {
    expect(triedWithin(60_000, error)).toBe(error)
  })
})
