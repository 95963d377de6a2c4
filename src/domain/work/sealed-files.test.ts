import { describe, expect, it } from 'vitest'
import { requestKey } from './request.ts'
import { openFiles, sealFiles } from './sealed-files.ts'

const key = requestKey('a-token')
const bytes = new TextEncoder().encode('password: hunter2hunter2')

describe('uploaded files in Redis', () => {
  const text = sealFiles(bytes, 'one', key)

  it('come back, and cannot be read meanwhile', () => {
    expect(Buffer.from(openFiles(text, 'one', key) ?? [])).toEqual(Buffer.from(bytes))
    expect(Buffer.from(text, 'base64').includes('hunter2')).toBe(false)
  })

  it.each<[what: string, text: string, id: string, key: Uint8Array]>([
    ['of another request', text, 'two', key],
    ['of another token', text, 'one', requestKey('b-token')],
    ['changed', (text.startsWith('A') ? 'B' : 'A') + text.slice(1), 'one', key],
    ['cut', text.slice(0, 20), 'one', key],
    ['empty', '', 'one', key],
  ])('%s are refused', (_what, forged, id, by) => {
    expect(openFiles(forged, id, by)).toBeUndefined()
  })
})
