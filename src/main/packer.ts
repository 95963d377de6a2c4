import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Packer } from '../jobs/sync-source/ledger.ts'

/** gzip. Unpacks one text at a time, since each may have the size that a caller allows, and many may come at once. */
export function createPacker(): Packer {
  const unzip = promisify(gunzip)
  let last: Promise<unknown> = Promise.resolve()
  return {
    pack: promisify(gzip),
    async unpack(bytes, maxOutputLength) {
      const unpacked = last.then(async () => (await unzip(bytes, { maxOutputLength })).toString())
      last = Promise.allSettled([unpacked]).then(() => undefined)
      return await unpacked
    },
  }
}
