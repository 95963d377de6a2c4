import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRevision, printRevision } from './revision.ts'

const commit = fc.stringMatching(/^[0-9a-f]{40}$/)

describe('a revision', () => {
  it('is read as it was printed', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), commit, (branch, id) => {
        expect(parseRevision(printRevision({ branch, commit: id }))).toEqual({ branch, commit: id })
      }),
    )
  })

  it.each(['', 'main', '@0123456789012345678901234567890123456789', 'main@0123', `main@${'A'.repeat(40)}`])(
    'is not %s',
    (text) => {
      expect(parseRevision(text)).toBeUndefined()
    },
  )
})
