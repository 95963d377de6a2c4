import { chmod, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import type { Run, RunResult } from '../../lib/run.ts'
import { putConfiguration } from './configuration.ts'

/** A keyring of our own: keys to verify and to sign with (flux-v1 §13). */
export type Keyring = {
  /**
   * Imports the keys of files, and of the files that lie in folders (not deeper; links are followed). What cannot be imported is named
   * in `failed` with the reason, and stops nothing else.
   */
  importKeys(paths: readonly string[]): Promise<{ imported: string[]; failed: string[] }>
  /** Imports one armored key, by a pipe. Says why it could not; undefined when it could. */
  importKey(armored: string): Promise<string | undefined>
  /** Gives every key in the keyring ultimate trust, without which no signature counts. Throws SignatureInvalid when gpg does not take it. */
  trustAll(): Promise<void>
  /** Ends the agent that gpg left running. */
  close(): Promise<void>
}

export type KeyringOptions = {
  run: Run
  /** Folder of the keyring (GNUPGHOME), made with mode 0700. At most 80 characters: sockets of gpg's agent lie there. */
  home: string
  /** Where gpg is found; default that of this machine's system folders. */
  path?: string
}

const timeoutMs = 30_000

/** gpg with a home of its own; nobody's keyring is touched. Nothing runs before the first call. */
export function createKeyring({ run, home, path = '/usr/local/bin:/usr/bin:/bin' }: KeyringOptions): Keyring {
  let prepared: Promise<void> | undefined

  async function gpg(command: string, args: readonly string[], input?: string): Promise<RunResult> {
    prepared ??= prepare(home)
    await prepared
    const env = { PATH: path, HOME: home, GNUPGHOME: home, LC_ALL: 'C' }
    return run({ command, args, env, timeoutMs, ...(input === undefined ? {} : { input }) })
  }

  return {
    async importKeys(paths) {
      const [imported, failed]: [string[], string[]] = [[], []]
      for (const { file, problem } of await filesOf(paths)) {
        const why = problem ?? problemOf(await gpg('gpg', ['--batch', '--import', '--', file]))
        if (why === undefined) imported.push(file)
        else failed.push(`${file}: ${why}`)
      }
      return { imported, failed }
    },
    importKey: async (armored) => problemOf(await gpg('gpg', ['--batch', '--import'], armored)),
    async trustAll() {
      const listed = await gpg('gpg', ['--batch', '--with-colons', '--list-keys'])
      mustBeGood(listed)
      const fingerprints = readFingerprints(listed.stdout)
      if (fingerprints.length === 0) return
      const input = fingerprints.map((fingerprint) => `${fingerprint}:6:\n`).join('')
      mustBeGood(await gpg('gpg', ['--batch', '--import-ownertrust'], input))
    },
    async close() {
      await gpg('gpgconf', ['--kill', 'all'])
    },
  }
}

async function prepare(home: string): Promise<void> {
  if (home.length > 80) throw new AppError('InternalError', `the folder of the keyring has too long a name: ${home}`)
  await mkdir(home, { recursive: true, mode: 0o700 })
  // The operator's own folder may belong to somebody else; then gpg says what it thinks of that.
  await chmod(home, 0o700).catch(() => undefined)
  await putConfiguration(home)
}

type KeyFile = { file: string; problem?: string }

async function filesOf(paths: readonly string[]): Promise<KeyFile[]> {
  const found: KeyFile[] = []
  for (const path of paths) {
    try {
      if ((await stat(path)).isDirectory()) found.push(...(await filesIn(path)))
      else found.push({ file: path })
    } catch (error) {
      found.push({
        file: path,
        problem: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read',
      })
    }
  }
  return found
}

/** A mounted Secret is a folder of links to files, beside a hidden folder with these files. */
async function filesIn(folder: string): Promise<KeyFile[]> {
  const files: KeyFile[] = []
  for (const name of (await readdir(folder)).toSorted()) {
    const file = join(folder, name)
    const isFile = await stat(file).then(
      (found) => found.isFile(),
      () => undefined,
    )
    if (isFile === undefined) files.push({ file, problem: 'cannot be read' })
    if (isFile) files.push({ file })
  }
  return files
}

/** `fpr` after `pub` is that of the key itself; those after `sub` are of its parts. */
function readFingerprints(colons: string): string[] {
  const lines = colons.split('\n').map((line) => line.split(':'))
  return lines.flatMap((fields, at) => (fields[0] === 'fpr' && lines[at - 1]?.[0] === 'pub' ? [fields[9] ?? ''] : []))
}

function mustBeGood(result: RunResult): void {
  const problem = problemOf(result)
  if (problem) throw new AppError('SignatureInvalid', `no key can be trusted, so no signature can count: ${problem}`)
}

function problemOf(result: RunResult): string | undefined {
  if (result.ended === 'notFound') return 'gpg is not installed'
  if (result.ended !== 'exit') return `gpg ended by ${result.ended}`
  if (result.exitCode === 0) return undefined
  const lines = result.stderr.split('\n').map((line) => line.replace(/^gpg: /, '').trim())
  return lines.find((line) => line !== '' && !/^(?:Total number|keybox|\/.*created)/.test(line)) ?? 'gpg refused it'
}
