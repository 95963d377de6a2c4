import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import { hashOf } from './chart-cache.ts'
import { type IndexBlock, type IndexEntry, outlineIndex, readBlock } from './chart-index.ts'

/** An index on disk. Only where its charts are is in memory, and the charts that were asked for: it may have 50 MB. */
export type IndexFile = {
  file: string
  /** What the server gave to ask with again. */
  etag: string
  lastModified: string
  blocks: ReadonlyMap<string, IndexBlock>
  charts: Map<string, IndexEntry[]>
}

/** Files of this folder that nobody used for so long go when the next one comes (helm-operator complaint 18). */
const unusedMs = 60 * 60_000

export type IndexFiles = {
  /** Writes an index in the place of the one of the same key. Throws ChartNotFound when the bytes are no index; `place` names it. */
  save(
    key: string,
    place: string,
    answer: { body: Uint8Array; headers: Readonly<Record<string, string>> },
  ): Promise<IndexFile>
  /** Whether it is still there, now in use. */
  touch(index: IndexFile): Promise<boolean>
  /** The versions of a chart; empty where the index has none. */
  entries(index: IndexFile, chart: string): Promise<IndexEntry[]>
}

export function createIndexFiles({ directory, now }: { directory: string; now: () => number }): IndexFiles {
  return {
    async save(key, place, { body, headers }) {
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
      const blocks = await outlineIndex(bytes)
      if (typeof blocks === 'string')
        throw new AppError('ChartNotFound', `the index of ${place} cannot be used: ${blocks}`)
      await mkdir(directory, { recursive: true, mode: 0o700 })
      // a name of its own each time: somebody may be reading the one before
      const file = join(directory, `index-${hashOf(key)}-${randomUUID()}.yaml`)
      await writeFile(`${file}.part`, bytes, { mode: 0o600 })
      await rename(`${file}.part`, file)
      await sweep(directory, now())
      const { etag = '', 'last-modified': lastModified = '' } = headers
      return { file, etag, lastModified, blocks, charts: new Map() }
    },
    async touch({ file }) {
      return await utimes(file, now() / 1000, now() / 1000).then(
        () => true,
        () => false,
      )
    },
    async entries(index, chart) {
      const seen = index.charts.get(chart)
      if (seen) return seen
      const block = index.blocks.get(chart)
      if (!block) return []
      const entries = 'entries' in block ? block.entries : await readBlock(await readPart(index.file, block))
      index.charts.set(chart, entries)
      return entries
    },
  }
}

async function readPart(file: string, { start, end }: { start: number; end: number }): Promise<Buffer> {
  const handle = await open(file)
  try {
    const bytes = Buffer.alloc(end - start)
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start)
    return bytes.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

async function sweep(directory: string, now: number): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith('index-')) continue
    const file = join(directory, name)
    const usedAt = (await stat(file).catch(() => undefined))?.mtimeMs ?? now
    if (now - usedAt > unusedMs) await rm(file, { force: true })
  }
}
