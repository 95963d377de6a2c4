import { expect, it } from 'vitest'
import { createPacker } from './packer.ts'

it('packs what it unpacks', async () => {
  const { pack, unpack } = createPacker()
  expect(await unpack(await pack('a text'), 6)).toBe('a text')
})

it('unpacks no more than it may, and goes on with the next', async () => {
  const { pack, unpack } = createPacker()
  const [large, small] = await Promise.all([pack('x'.repeat(1_000_000)), pack('small')])
  const results = await Promise.allSettled([unpack(large, 999_999), unpack(small, 5), unpack(new Uint8Array([1]), 5)])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected'])
})
