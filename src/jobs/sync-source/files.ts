import { createHash } from 'node:crypto'
import type { Git, GitRemote, TreeFile } from '../../adapters/git/index.ts'
import { toAppError } from '../../domain/error.ts'
import type { ParsedFile, ParseFiles } from '../../domain/manifest/parsed-file.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'

/** Decryption of files that sops encrypted (flux-v1 §3). */
export type Decrypt = {
  isEncrypted: (bytes: Uint8Array) => boolean
  /** Takes out the keys of the source. Throws DecryptFailed where it has none. */
  open: (
    spec: Pick<SourceSpec, 'namespace' | 'name' | 'sopsKeys' | 'sopsSecretName'>,
    signal: AbortSignal,
  ) => Promise<OpenedKeys>
}

/** Keys at hand. */
export type OpenedKeys = {
  /** Throws DecryptFailed. */
  decrypt: (path: string, bytes: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>
  /** Puts them away again; needed always. */
  close(): Promise<void>
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

export type ReadFilesDeps = {
  git: Pick<Git, 'read'>
  parse: ParseFiles
  /** Undefined where files are read as they are. */
  secrets:
    | { isEncrypted: (bytes: Uint8Array) => boolean; open: (signal: AbortSignal) => Promise<OpenedKeys> }
    | undefined
}

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
  const keys = keysOnDemand(deps.secrets)
  const reading = manifests.map(async ({ file, blob, text, isGenerated }) => {
    const raw = text === undefined ? contents.get(blob) : new TextEncoder().encode(text)
    const plain = raw ? await decrypted(file, raw, isGenerated ? undefined : keys, signal) : unread(file)
    if (plain instanceof Uint8Array) readable.push({ blob, path: file, bytes: plain })
    else parsed.set(blob, { objects: [], problems: [plain], warnings: [] })
  })
  try {
    await Promise.all(reading)
  } finally {
    await Promise.allSettled(reading)
    await keys?.close()
  }
  const answers = readable.length > 0 ? await deps.parse(readable, signal) : []
  for (const [index, { blob }] of readable.entries()) {
    const answer = answers[index]
    if (answer) parsed.set(blob, answer)
  }
  return parsed
}

type OnDemand = Pick<OpenedKeys, 'decrypt' | 'close'> & { isEncrypted: (bytes: Uint8Array) => boolean }

/** Nobody's keys are taken out before a file needs them. */
function keysOnDemand(secrets: ReadFilesDeps['secrets']): OnDemand | undefined {
  if (!secrets) return undefined
  let opened: Promise<OpenedKeys> | undefined
  return {
    isEncrypted: secrets.isEncrypted,
    async decrypt(path, bytes, signal) {
      opened ??= secrets.open(signal)
      return await (await opened).decrypt(path, bytes, signal)
    },
    async close() {
      const keys = await opened?.catch(() => undefined)
      await keys?.close()
    },
  }
}

async function decrypted(
  file: string,
  bytes: Uint8Array,
  keys: OnDemand | undefined,
  signal: AbortSignal,
): Promise<Uint8Array | Problem> {
  if (!keys?.isEncrypted(bytes)) return bytes
  try {
    return await keys.decrypt(file, bytes, signal)
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (signal.aborted || reason === 'ClusterUnavailable') throw error
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
