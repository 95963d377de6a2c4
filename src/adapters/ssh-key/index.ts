import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import type { KeyGeneration } from '../../domain/source/key-type.ts'
import type { Run } from '../../lib/run.ts'

export type Fingerprint = { hash: string; randomart: string }
export type Fingerprints = { md5: Fingerprint; sha256: Fingerprint }

/** Keys for ssh, as files of mode 0600 in a folder of our own. Throws GitAuthFailed for a key that cannot be used. */
export type SshKeys = {
  /** Makes a key without a passphrase; gives its private half. */
  generate(how: KeyGeneration, signal?: AbortSignal): Promise<string>
  /**
   * Keeps a private key and gives the path of its file: the same key, the same path. A mounted Secret is copied for two reasons: it may
   * belong to root, and ssh refuses a key that others may read.
   */
  keep(privateKey: string): Promise<string>
  /** The text of a key file that somebody mounted; undefined when there is no such file. One that cannot be read is an error. */
  readMounted(file: string): Promise<string | undefined>
  /** The public half in one line, with its line break. */
  publicKey(file: string, signal?: AbortSignal): Promise<string>
  /** As `ssh-keygen -l` gives them: hash without the name of its algorithm, and the picture. */
  fingerprints(file: string, signal?: AbortSignal): Promise<Fingerprints>
}

export type SshKeysOptions = {
  run: Run
  /** Where keys are kept; best in memory. Made with mode 0700. */
  directory: string
  /** Where ssh-keygen is found; default that of this machine's system folders. */
  path?: string
}

const timeoutMs = 60_000

/** Keys with the real ssh-keygen. */
export function createSshKeys({ run, directory, path = '/usr/local/bin:/usr/bin:/bin' }: SshKeysOptions): SshKeys {
  async function keygen(args: readonly string[], signal: AbortSignal | undefined): Promise<string> {
    const env = { PATH: path, HOME: directory, LC_ALL: 'C' }
    const result = await run({ command: 'ssh-keygen', args, env, timeoutMs, ...(signal ? { signal } : {}) })
    if (result.ended === 'exit' && result.exitCode === 0) return result.stdout
    signal?.throwIfAborted()
    const why = result.ended === 'exit' ? (result.stderr || result.stdout).trim().split('\n').at(-1) : result.ended
    throw new AppError('GitAuthFailed', `ssh-keygen failed: ${why || 'it said nothing'}`)
  }

  async function keep(privateKey: string): Promise<string> {
    const text = privateKey.endsWith('\n') ? privateKey : `${privateKey}\n`
    const file = join(directory, `key-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const fresh = `${file}.${process.hrtime.bigint()}`
    await writeFile(fresh, text, { mode: 0o600, flag: 'wx' })
    await rename(fresh, file)
    return file
  }

  async function fingerprint(file: string, algorithm: string, signal: AbortSignal | undefined): Promise<Fingerprint> {
    const text = await keygen(['-l', '-v', '-E', algorithm, '-f', file], signal)
    const [, hash, randomart] = /^\d+ [^:]+:(\S+) .*\n([^]*)$/.exec(text) ?? []
    if (hash === undefined || randomart === undefined) {
      throw new AppError('GitAuthFailed', 'the fingerprint that ssh-keygen gave cannot be read')
    }
    return { hash, randomart }
  }

  return {
    keep,
    async generate({ type, bits, format }, signal) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const folder = await mkdtemp(join(directory, 'new-'))
      const file = join(folder, 'identity')
      const chosen = Object.entries({ '-t': type, '-b': bits, '-m': format }).filter(([, value]) => value !== '')
      try {
        await keygen(['-q', '-N', '', '-C', 'capstan', '-f', file, ...chosen.flat()], signal)
        return await readFile(file, 'utf8')
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
    async readMounted(file) {
      try {
        return await readFile(file, 'utf8')
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
        throw new AppError('GitAuthFailed', `the ssh key file ${file} cannot be read`, { cause: error })
      }
    },
    // An empty passphrase, or ssh-keygen would ask for that of a key that has one.
    publicKey: (file, signal) => keygen(['-y', '-P', '', '-f', file], signal),
    async fingerprints(file, signal) {
      return { md5: await fingerprint(file, 'md5', signal), sha256: await fingerprint(file, 'sha256', signal) }
    },
  }
}
