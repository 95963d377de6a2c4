import { createHash } from 'node:crypto'
import type { Git, TreeFile } from '../../adapters/git/index.ts'
import { AppError } from '../../domain/error.ts'
import { readTar } from '../../lib/tar.ts'

/** Unpacks gzip up to a size, beyond which it rejects. */
export type Gunzip = (bytes: Uint8Array, mostBytes: number) => Promise<Uint8Array>

const mostUnpackedBytes = 100 * 1024 * 1024

/** An uploaded folder in place of a commit: read like a git tree, and no program sees it. Throws InvalidUpload. */
export async function openUpload(bytes: Uint8Array, gunzip: Gunzip): Promise<Pick<Git, 'tree' | 'read'>> {
  const read = readTar(isGzip(bytes) ? await unpack(bytes, gunzip) : bytes)
  if ('problem' in read) throw refused(read.problem)
  const contents = new Map<string, Uint8Array>()
  const tree = read.files.map(({ path, bytes: content }): TreeFile => {
    const blob = blobId(content)
    contents.set(blob, content)
    return { path, blob, mode: 'file', size: content.length }
  })
  tree.sort((a, b) => (a.path < b.path ? -1 : 1))
  return {
    tree: async () => tree,
    read: async (_remote, blobs) => new Map(blobs.flatMap((blob) => entryOf(contents, blob))),
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

async function unpack(bytes: Uint8Array, gunzip: Gunzip): Promise<Uint8Array> {
  try {
    return await gunzip(bytes, mostUnpackedBytes)
  } catch (error) {
    throw refused('it is no gzip file, or unpacks to more than 100 MB', error)
  }
}

function refused(why: string, cause?: unknown): AppError {
  return new AppError('InvalidUpload', `The uploaded folder cannot be read: ${why}.`, { retry: 'never', cause })
}

/** As git names it, so that a file that is in the repository too is not parsed again. */
function blobId(content: Uint8Array): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
}

function entryOf(contents: ReadonlyMap<string, Uint8Array>, blob: string): [string, Uint8Array][] {
  const content = contents.get(blob)
  return content ? [[blob, content]] : []
}
