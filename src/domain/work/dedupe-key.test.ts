import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dedupeKey } from './dedupe-key.ts'
import { jobKinds } from './job.ts'

const kind = fc.constantFrom(...jobKinds)
const name = fc.stringMatching(/^[a-z0-9./:-]{0,40}$/)
const work = fc.record({ kind, namespace: name, name })

describe('dedupeKey', () => {
  it('is 32 hex digits, whatever the name holds', () => {
    fc.assert(fc.property(work, (w) => /^[0-9a-f]{32}$/.test(dedupeKey(w))))
  })

  it('differs where kind, namespace or name differ', () => {
    fc.assert(
      fc.property(work, work, (a, b) => {
        const same = a.kind === b.kind && a.namespace === b.namespace && a.name === b.name
        expect(dedupeKey(a) === dedupeKey(b)).toBe(same)
      }),
    )
  })

  it('does not mix up where namespace ends and name begins', () => {
    const a = dedupeKey({ kind: 'sync-release', namespace: 'a', name: 'bc' })
    expect(a).not.toBe(dedupeKey({ kind: 'sync-release', namespace: 'ab', name: 'c' }))
  })
})
