import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Parser, type ReadEntry } from 'tar'
import { AppError, toAppError } from '../../domain/error.ts'

/** What an archive may weigh and hold (hazard I2). */
export const maxArchiveBytes = 10 * 1024 * 1024
const maxTreeBytes = 50 * 1024 * 1024
const maxEntries = 10_000
const maxRatio = 100
/** Small archives of much white space are no bombs. */
const ratioFromBytes = 1024 * 1024
const maxPathLength = 1_000

type File = { path: string; content: Buffer }

/**
 * Writes the files of a chart archive into a folder, without the one top folder that it has. Nothing but plain files is taken: links,
 * devices, paths that lead elsewhere, two files of one name, and more than the limits are refused as a whole (hazards I1, I2).
 * Throws ChartNotFound, DiskFull.
 */
export async function unpackChart(archive: Uint8Array, folder: string): Promise<void> {
  const tar = await inflate(archive)
  for (const { path, content } of await readFiles(tar)) {
    const file = join(folder, path)
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      await writeFile(file, content, { flag: 'wx', mode: 0o600 })
    } catch (error) {
      const failure = toAppError(error)
      throw failure.reason === 'DiskFull' ? failure : refused(`${path} is in it twice`)
    }
  }
}

async function inflate(archive: Uint8Array): Promise<Buffer> {
  try {
    const tar = await promisify(gunzip)(archive, { maxOutputLength: maxTreeBytes + maxEntries * 1024 })
    if (tar.length > ratioFromBytes && tar.length > archive.length * maxRatio)
      throw refused('it is a decompression bomb')
    return tar
  } catch (error) {
    if (error instanceof AppError) throw error
    const isTooLarge = (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE'
    throw refused(isTooLarge ? 'it is larger than is allowed' : 'it is not a gzip archive')
  }
}

async function readFiles(tar: Buffer): Promise<File[]> {
  const files: Promise<File>[] = []
  let entries = 0
  let top: string | undefined
  let problem = ''

  function take(entry: ReadEntry): void {
    entries += 1
    if (entries > maxEntries) problem ||= 'it has too many files'
    const parts = entry.path.split('/').filter((part) => part !== '' && part !== '.')
    problem ||= problemOf(entry, parts)
    top ??= parts[0]
    if (parts[0] !== top) problem ||= `${entry.path} is not below its one top folder`
    if (problem || entry.type === 'Directory' || parts.length < 2) {
      entry.resume()
      return
    }
    const path = parts.slice(1).join('/')
    files.push(entry.concat().then((content) => ({ path, content: Buffer.from(content) })))
  }

  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({ strict: true, onReadEntry: take })
    parser.on('error', () => reject(refused('it is damaged')))
    parser.on('end', () => resolve())
    parser.end(tar)
  })
  if (problem) throw refused(problem)
  return await Promise.all(files)
}

function problemOf({ path, type }: ReadEntry, parts: readonly string[]): string {
  const shown = path.slice(0, 100)
  if (path.startsWith('/') || parts.includes('..') || /[\\\0]/.test(path)) return `${shown} leads out of it`
  if (path.length > maxPathLength) return `${shown}… is too long a name`
  if (type !== 'File' && type !== 'OldFile' && type !== 'Directory') return `${shown} is no plain file`
  return ''
}

function refused(why: string): AppError {
  return new AppError('ChartNotFound', `the chart archive was refused: ${why}`)
}
