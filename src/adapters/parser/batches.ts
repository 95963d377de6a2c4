import type { RawFile } from '../../domain/manifest/wire.ts'

/** Of all that a process answers, a dozen copies are made on the way. */
const maxBytes = 1024 * 1024
const maxFiles = 2_000
/** Below this a second process costs more than it saves: starting one takes as long as parsing about 60 KB. */
const minBytes = 256 * 1024
/** What any file costs, however short. */
const perFile = 512

/**
 * Cuts files into runs for one process each, in order: so small that little is done twice when one fails, and where there is enough
 * to do, `workers` of about the same size. A file that is longer than a batch may be is one by itself.
 */
export function planBatches<T extends Pick<RawFile, 'bytes'>>(files: readonly T[], workers: number): T[][] {
  const total = files.reduce((sum, file) => sum + costOf(file), 0)
  const enough = Math.max(minBytes, Math.ceil(total / workers))
  const batches: T[][] = []
  let cost = 0
  for (const file of files) {
    const batch = batches.at(-1)
    if (batch && cost < enough && cost + costOf(file) <= maxBytes && batch.length < maxFiles) {
      batch.push(file)
      cost += costOf(file)
    } else {
      batches.push([file])
      cost = costOf(file)
    }
  }
  return batches
}

/** Whether these are so few that they are no more than one process should have, whoever they belong to. */
export function fitsOne(files: readonly Pick<RawFile, 'bytes'>[]): boolean {
  return files.length <= maxFiles && files.reduce((sum, file) => sum + costOf(file), 0) <= minBytes
}

function costOf({ bytes }: Pick<RawFile, 'bytes'>): number {
  return bytes.length + perFile
}
