import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { mostUploadBytes } from '../api/contract/upload.ts'
import { type TarFile, writeTar } from '../lib/tar.ts'
import { WrongUsage } from './exit.ts'

/**
 * The manifests of a checkout (every `.yaml` and `.yml`, `.git` left out) as a gzipped tar archive. A link among them cannot be sent,
 * and without it objects would seem to have left git: that is refused, as is more than 10 MB. Throws WrongUsage.
 */
export function packFolder(folder: string): Uint8Array {
  const files = readEntries(folder).flatMap((entry) => readManifest(folder, entry))
  const archive = gzipSync(writeTar(files))
  if (archive.length <= mostUploadBytes) return archive
  throw new WrongUsage(`--dir: the manifests in ${folder} are more than 10 MB when packed; push them and use --ref.`)
}

function readEntries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
  } catch (error) {
    throw new WrongUsage(
      `--dir: ${folder} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}.`,
    )
  }
}

function readManifest(folder: string, entry: Dirent): TarFile[] {
  const path = relative(folder, join(entry.parentPath, entry.name)).split('\\').join('/')
  if (path === '.git' || path.startsWith('.git/') || !/\.ya?ml$/.test(path)) return []
  if (entry.isSymbolicLink()) {
    throw new WrongUsage(`--dir: ${path} is a symbolic link, which cannot be sent; push it and use --ref.`)
  }
  return entry.isFile() ? [{ path, bytes: readFileSync(join(folder, path)) }] : []
}
