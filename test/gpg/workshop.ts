import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRun } from '../../src/adapters/process/index.ts'

/** Where keys are made and used by those who work on a repository: real gpg with a keyring of its own. */
export type Workshop = {
  folder: string
  /** Makes a key and gives its fingerprint. `at` is the time that gpg is told it is, as `20200101T000000`. */
  makeKey(email: string, options?: { expires?: string; at?: string }): string
  /** Writes the public key, or all of it, into a file. */
  exportKey(fingerprint: string, options?: { secret?: boolean }): string
  /** Writes the certificate that revokes a key into a file. */
  revocation(fingerprint: string): string
  /** Puts a signed commit on a branch of a bare repository; gives its id. Without a key it is not signed. */
  commit(repository: string, commit: SignedCommit): string
  git(repository: string, args: readonly string[], options?: { input?: string; at?: string }): string
  close(): void
}

export type SignedCommit = {
  branch: string
  key?: string
  message?: string
  /** Parents; default is the tip of the branch. */
  parents?: readonly string[]
  at?: string
}

export const run = createRun({ redact: (text) => text })

/** A short folder: sockets of gpg's agent lie in it. */
export function shortFolder(): string {
  return mkdtempSync(join(tmpdir(), 'cg-'))
}

/**
 * Starts the agent of a keyring, and makes its folder. gpg starts one by itself, but waits no more than five seconds for it, which a
 * busy machine may need.
 */
export function launchAgent(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const env = { PATH: process.env.PATH ?? '', HOME: home, GNUPGHOME: home, LC_ALL: 'C' }
  for (let tries = 5; ; tries--) {
    const { status, stderr, error } = spawnSync('gpgconf', ['--launch', 'gpg-agent'], { env })
    if (status === 0) return
    if (tries === 1) throw new Error(`gpg-agent does not come up: ${stderr?.toString() ?? error}`)
  }
}

export function openWorkshop(): Workshop {
  const folder = shortFolder()
  const home = mkdtempSync(join(folder, 'h'))
  const env = { PATH: process.env.PATH ?? '', HOME: folder, GNUPGHOME: home, LC_ALL: 'C' }
  launchAgent(home)
  let files = 0

  const gpg = (args: readonly string[], at?: string): string => {
    const faked = at ? ['--faked-system-time', at] : []
    return must('gpg', ['--batch', '--quiet', '--no-tty', ...faked, ...args], { env })
  }
  const save = (content: string): string => {
    const file = join(folder, `key-${++files}.asc`)
    writeFileSync(file, content)
    return file
  }
  const git: Workshop['git'] = (repository, args, { input = '', at } = {}) => {
    const program = join(folder, 'gpg-now')
    if (at) writeFileSync(program, `#!/bin/sh\nexec gpg --faked-system-time ${at} "$@"\n`, { mode: 0o755 })
    const settings = ['-c', `gpg.program=${at ? program : 'gpg'}`]
    return must('git', ['-C', repository, ...settings, ...args], { env: { ...env, ...identity }, input })
  }

  return {
    folder,
    makeKey(email, { expires = 'never', at } = {}) {
      gpg(['--passphrase', '', '--quick-generate-key', `Somebody <${email}>`, 'ed25519', 'sign', expires], at)
      const listed = gpg(['--with-colons', '--list-keys', email])
      return /^fpr:{9}([0-9A-F]{40}):/m.exec(listed)?.[1] ?? ''
    },
    exportKey: (fingerprint, { secret = false } = {}) =>
      save(gpg(['--armor', secret ? '--export-secret-keys' : '--export', fingerprint])),
    revocation(fingerprint) {
      const made = must('cat', [join(home, 'openpgp-revocs.d', `${fingerprint}.rev`)], { env })
      // gpg disarms what it writes there, so that nobody imports it by mistake.
      return save(made.replace(':-----BEGIN', '-----BEGIN'))
    },
    commit(repository, { branch, key, message = 'change', parents, at }) {
      const ref = `refs/heads/${branch}`
      const tip = git(repository, ['for-each-ref', '--format=%(objectname)', ref])
      const blob = git(repository, ['hash-object', '-w', '--stdin'], { input: `${message}\n` })
      const tree = git(repository, ['mktree'], { input: `100644 blob ${blob}\ta.yaml\n` })
      const all = (parents ?? (tip === '' ? [] : [tip])).flatMap((parent) => ['-p', parent])
      const args = ['commit-tree', ...(key ? [`-S${key}`] : []), tree, ...all, '-F', '-']
      const commit = git(repository, args, { input: message, ...(at ? { at } : {}) })
      git(repository, ['update-ref', ref, commit])
      return commit
    },
    git,
    close() {
      spawnSync('gpgconf', ['--kill', 'all'], { env })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const identity = {
  GIT_AUTHOR_NAME: 'Somebody',
  GIT_AUTHOR_EMAIL: 'somebody@example.com',
  GIT_COMMITTER_NAME: 'Somebody',
  GIT_COMMITTER_EMAIL: 'somebody@example.com',
}

function must(
  command: string,
  args: readonly string[],
  options: { env: Record<string, string>; input?: string },
): string {
  const result = spawnSync(command, args, options)
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr?.toString() ?? result.error}`)
  return result.stdout.toString().trim()
}
