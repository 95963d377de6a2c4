import { expect, it } from 'vitest'
import { redactStatus } from './redact-status.ts'
import type { SourceStatus } from './status.ts'

it('takes a secret out of every text of a status, and changes nothing else', () => {
  const failure = { id: 'a', file: 'f', line: 1, reason: 'ApplyRefused' as const, message: 'got s3cret', since: 'c' }
  const status: SourceStatus = {
    version: 1,
    revision: 'main@1',
    attempted: 'main@1',
    ready: false,
    reason: 'ApplyRefused',
    message: '1 failed: s3cret',
    objects: 1,
    failed: [failure],
    failedCount: 1,
    held: [failure],
    drifted: [],
    waiting: { since: '', count: 1, unhealthy: [{ id: 'a', state: 'failed', message: 's3cret' }] },
    marker: { commit: 'c', problem: 's3cret' },
    refused: { commit: 'c', why: 's3cret' },
    inventory: { parts: [], digest: '', count: 1 },
    holder: '',
    changedAt: '',
  }
  const text = JSON.stringify(status)
  const redacted = redactStatus(status, (value) => value.replaceAll('s3cret', '***'))
  expect(JSON.stringify(redacted)).toBe(text.replaceAll('s3cret', '***'))
})
