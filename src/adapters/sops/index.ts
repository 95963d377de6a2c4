import pLimit from 'p-limit'
import { AppError } from '../../domain/error.ts'
import type { Run } from '../../lib/run.ts'
import { ownKeysEnvironment } from './environment.ts'
import { decryptFailure, isWithoutMetadata } from './failure.ts'
import { openedValues } from './opened.ts'
import { type HeldKinds, paredFile } from './pared.ts'

export { sopsEnvironment } from './environment.ts'

export type SopsOptions = {
  run: Run
  /** A name on PATH or an absolute path; sops 3.10 or newer, which reads standard input. */
  binary: string
  /** The whole environment of sops; see {@link sopsEnvironment}. */
  environment: Readonly<Record<string, string>>
  /** Takes what was secret in a file, so that no log or message shows it. */
  register: (secrets: Iterable<string>) => unknown
}

export type Sops = {
  /** Whether `sops:` stands in the file, as fluxd asks (flux-v1 §3). */
  isEncrypted: (bytes: Uint8Array) => boolean
  /**
   * The file as it was before sops encrypted it; the very bytes given when sops finds no metadata in it. Nothing is written to a
   * disk (hazard K7). Throws DecryptFailed, whose message has nothing of the file, or the signal's reason.
   */
  decrypt: (path: string, bytes: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>
  /** The same with these keys alone: nothing of the operator's environment is given to sops, and no key service is asked. */
  withKeys(keys: OwnKeys): Pick<Sops, 'decrypt'>
}

/** Keys that are not the operator's. */
export type OwnKeys = {
  /** Lines `AGE-SECRET-KEY-1…`. */
  age: readonly string[]
  /** Folder of a keyring with the PGP keys; absent without any. */
  gnupgHome?: string
}

const maxBytes = 5 * 1024 * 1024
/** Key services answer over the network. */
const timeoutMs = 60_000
const limits = { dataBytes: 2 * 1024 ** 3, cpuSeconds: 60 }
const atOnce = 4

/** sops as child processes, four at a time: the file goes in by a pipe and comes out by one. */
export function createSops({ run, binary, environment, register }: SopsOptions): Sops {
  const limit = pLimit(atOnce)

  async function decrypt(
    path: string,
    bytes: Uint8Array,
    env: Environment,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    signal.throwIfAborted()
    const result = await run({
      command: binary,
      args: ['decrypt', '--input-type', 'yaml', '--output-type', 'yaml'],
      env,
      cwd: '/',
      input: bytes,
      timeoutMs,
      maxOutputBytes: maxBytes * 2,
      limits,
      signal,
    })
    signal.throwIfAborted()
    if (isWithoutMetadata(result)) return undefined
    if (result.ended !== 'exit' || result.exitCode !== 0) throw decryptFailure(path, result, timeoutMs)
    register(openedValues(new TextDecoder().decode(bytes), result.stdout))
    return result.stdout
  }

  async function open(path: string, bytes: Uint8Array, env: Environment, signal: AbortSignal) {
    const text = await limit(decrypt, path, bytes, env, signal)
    return text === undefined ? undefined : new TextEncoder().encode(text)
  }

  return {
    isEncrypted: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('sops:'),
    async decrypt(path, bytes, signal) {
      mustBeSmall(path, bytes)
      return (await open(path, bytes, environment, signal)) ?? bytes
    },
    withKeys({ age, gnupgHome }) {
      const held: HeldKinds = { age: age.length > 0, pgp: gnupgHome !== undefined }
      const env = ownKeysEnvironment(environment, { age, ...(gnupgHome ? { gnupgHome } : {}) })
      return {
        async decrypt(path, bytes, signal) {
          mustBeSmall(path, bytes)
          const pared = paredFile(path, bytes, held)
          if (!pared) return bytes
          const opened = await open(path, pared, env, signal)
          if (opened) return opened
          const message = `${path} cannot be decrypted: sops finds no metadata in it; encrypt it again with sops.`
          throw new AppError('DecryptFailed', message, { details: { file: path } })
        },
      }
    },
  }
}

type Environment = Readonly<Record<string, string>>

function mustBeSmall(path: string, bytes: Uint8Array): void {
  if (bytes.length <= maxBytes) return
  const message = `${path} cannot be decrypted: it is larger than ${maxBytes / 1024 / 1024} MB.`
  throw new AppError('DecryptFailed', message, { retry: 'never' })
}
