import { createHash } from 'node:crypto'
import type { Git, GitRemote, TreeFile } from '../../adapters/git/index.ts'
import { toAppError } from '../../domain/error.ts'
import type { ParsedFile, ParseFiles } from '../../domain/manifest/parsed-file.ts'
import type { Problem } from '../../domain/manifest/problem.ts'

/** Decryption of files that sops encrypted (flux-v1 §3). */
export type Decrypt = {
  isEncrypted(bytes: Uint8Array): boolean
  /** Throws DecryptFailed. */
  decrypt(path: string, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
}

/** A text to parse: a file of the repository, or what a generator made. */
export type Manifest = {
  /** Path for people. */
  file: string
  /** Equal ids are equal bytes: git's blob id, or one of ours for a text that is not in git. */
  blob: string
  /** Absent: the bytes are in git. */
  text?: string
  /** What a generator made is never decrypted (flux-v1 §3). */
  isGenerated?: boolean
}

export type ReadFilesDeps = { git: Pick<Git, 'read'>; parse: ParseFiles; secrets: Decrypt | undefined }

export function fileManifest({ path, blob }: TreeFile): Manifest {
  return { file: path, blob }
}

export function madeManifest({ file, text, generated }: { file: string; text: string; generated: boolean }): Manifest {
  return {
    isGenerated: generated,
    file,
    blob: `made:${createHash('sha256').update(file).update('\0').update(text).digest('hex')}`,
    text,
  }
}

/** Reads, decrypts and parses; one answer per manifest, by blob. What cannot be read or decrypted is a problem of its own. */
export async function readManifests(
  manifests: readonly Manifest[],
  remote: GitRemote,
  deps: ReadFilesDeps,
  signal: AbortSignal,
): Promise<Map<string, ParsedFile>> {
  const parsed = new Map<string, ParsedFile>()
  const inGit = manifests.filter(({ text }) => text === undefined).map(({ blob }) => blob)
  const contents = inGit.length > 0 ? await deps.git.read(remote, inGit, signal) : new Map<string, Uint8Array>()
  const readable: { blob: string; path: string; bytes: Uint8Array }[] = []
  await Promise.all(
    manifests.map(async ({ file, blob, text, isGenerated }) => {
      const raw = text === undefined ? contents.get(blob) : new TextEncoder().encode(text)
      const plain = raw ? await decrypted(file, raw, isGenerated ? undefined : deps.secrets, signal) : unread(file)
      if (plain instanceof Uint8Array) readable.push({ blob, path: file, bytes: plain })
      else parsed.set(blob, { objects: [], problems: [plain], warnings: [] })
    }),
  )
  const answers = readable.length > 0 ? await deps.parse(readable, signal) : []
  for (const [index, { blob }] of readable.entries()) {
    const answer = answers[index]
    if (answer) parsed.set(blob, answer)
  }
  return parsed
}

async function decrypted(
  file: string,
  bytes: Uint8Array,
  secrets: Decrypt | undefined,
  signal: AbortSignal,
): Promise<Uint8Array | Problem> {
  if (!secrets?.isEncrypted(bytes)) return bytes
  try {
    return await secrets.decrypt(file, bytes, signal)
  } catch (error) {
    if (signal.aborted) throw error
    const { reason, message } = toAppError(error)
    return { reason, file, line: 0, message }
  }
}

function unread(file: string): Problem {
  return {
    reason: 'GitUnreachable',
    file,
    line: 0,
    message: 'the file could not be read from the copy of the repository; it is read again',
  }
}
