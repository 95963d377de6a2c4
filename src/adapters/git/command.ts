import { type SimpleGitOptions, simpleGit } from 'simple-git'

export type CommandInput = {
  /** Written to standard input, then closed. */
  input?: string | Uint8Array
  /** On top of the fixed environment: GIT_AUTHOR_… and GIT_COMMITTER_… only. */
  env?: Readonly<Record<string, string>>
}

/** git in one repository with one credential, until one deadline. Rejects with GitRefusal, or as the abort says. */
export type Command = {
  text(args: readonly string[], extra?: CommandInput): Promise<string>
  /** `cat-file` with these arguments, as bytes. */
  catFile(args: readonly string[], input: string): Promise<Buffer>
  /** For what is said by more than words: the exit code and standard error, without a judgement. */
  outcome(args: readonly string[]): Promise<Outcome>
}

export type Outcome = { exitCode: number; stderr: string }

/** git said no. `output` is what it said, untranslated and not redacted: for failure.ts only. */
export class GitRefusal extends Error {
  readonly output: string

  constructor(output: string) {
    super('git failed')
    this.name = 'GitRefusal'
    this.output = output
  }
}

/** The only variables of git's own that a child gets; simple-git strips or refuses all others (W17). */
const ownVariables = [
  'GIT_DIR',
  'GIT_ALLOW_PROTOCOL',
  'GIT_TERMINAL_PROMPT',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_ATTR_NOSYSTEM',
  'GIT_AUTHOR_NAME',
  'GIT_AUTHOR_EMAIL',
  'GIT_COMMITTER_NAME',
  'GIT_COMMITTER_EMAIL',
  'GNUPGHOME',
]

/** Of git's own variables an operator may set these; others would take over what git does. */
const networkVariables = ['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH']
const guarded = /^(?:git_|editor$|pager$|visual$|prefix$|ssh_askpass$|ld_|xdg_|home$|lc_|lang$)/i

function networkOnly(environment: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => networkVariables.includes(name) || !guarded.test(name))
  return Object.fromEntries(kept)
}

/**
 * Prepares git for one operation. The environment is built from zero; GIT_DIR is always set, because git would otherwise look
 * for a repository in the folders above a damaged mirror, and find the operator's own.
 */
export function createCommand(where: {
  gitDir: string
  home: string
  allowLocal: boolean
  /** Proxies and CA files that the operator set. */
  environment: Readonly<Record<string, string>>
  /** The keyring that signs and verifies; without it there are no keys. */
  gnupgHome?: string
  signal: AbortSignal
}): Command {
  const env = {
    PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: where.home,
    LC_ALL: 'C',
    ...networkOnly(where.environment),
    GIT_DIR: where.gitDir,
    GIT_ALLOW_PROTOCOL: where.allowLocal ? 'https:http:ssh:file' : 'https:http:ssh',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GNUPGHOME: where.gnupgHome ?? where.home,
  }

  function git(extra: CommandInput, errors = refuseAnyExitCode) {
    const { input } = extra
    const options: Partial<SimpleGitOptions> = {
      baseDir: where.home,
      abort: where.signal,
      allowEnvironment: [...ownVariables, ...networkVariables],
      errors,
      // The default takes what was read 50 ms after the exit for all of it, which loses the end of a long answer.
      completion: { onClose: true, onExit: false },
      ...(input === undefined ? {} : { input: () => (typeof input === 'string' ? input : Buffer.from(input)) }),
    }
    return simpleGit(options).env({ ...env, ...extra.env })
  }

  return {
    async text(args, extra = {}) {
      where.signal.throwIfAborted()
      try {
        return await orAborted(git(extra).raw([...args]), where.signal)
      } catch (error) {
        throw asRefusal(error, where.signal)
      }
    },
    async catFile(args, input) {
      where.signal.throwIfAborted()
      try {
        return (await orAborted(git({ input }).binaryCatFile([...args]), where.signal)) as Buffer
      } catch (error) {
        throw asRefusal(error, where.signal)
      }
    },
    async outcome(args) {
      where.signal.throwIfAborted()
      let seen: Outcome | undefined
      const look: typeof refuseAnyExitCode = (error, { exitCode, stdErr }) => {
        if (error instanceof Error && !(exitCode > 0)) return error
        seen = { exitCode, stderr: Buffer.concat(stdErr).toString() }
        return undefined
      }
      try {
        await orAborted(git({}, look).raw([...args]), where.signal)
      } catch (error) {
        throw asRefusal(error, where.signal)
      }
      if (!seen) throw new Error('git did not tell its exit code')
      return seen
    },
  }
}

/** A stopped git may leave a helper behind that holds its pipes; nobody waits longer for those than this. */
const settleMs = 2_000

async function orAborted<T>(running: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let stop: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      timer = setTimeout(() => reject(signal.reason as Error), settleMs)
    }
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([running, aborted])
  } finally {
    clearTimeout(timer)
    if (stop) signal.removeEventListener('abort', stop)
  }
}

/** simple-git takes a failure without words on standard error for a success, and quotes all of standard output (W17). */
function refuseAnyExitCode(
  error: Buffer | Error | undefined,
  { exitCode, stdOut, stdErr }: { exitCode: number; stdOut: Buffer[]; stdErr: Buffer[] },
): Buffer | Error | undefined {
  // Below zero, or nothing at all: git was not started or was stopped, and the error says which.
  if (error instanceof Error && !(exitCode > 0)) return error
  if (exitCode === 0) return undefined
  // Of standard output only the lines in which a push says why it was refused; the rest may be anybody's file.
  const refused = Buffer.concat(stdOut).toString().match(/^!.*$/gm) ?? []
  const said = [...refused, withoutChatter(Buffer.concat(stdErr).toString())].join('\n').trim()
  return Buffer.from(said === '' ? `git ended with code ${exitCode}` : said)
}

/** ssh speaks of its work so that the key of an unknown host is told; the rest of that concerns nobody. */
function withoutChatter(stderr: string): string {
  return stderr
    .split(/\r?\n/)
    .map((line) => line.replace(/^debug1: (?=Server host key: )/, ''))
    .filter((line) => !/^(?:debug\d: |OpenSSH_|Authenticated to |Transferred: |Bytes per second: )/.test(line))
    .join('\n')
    .trim()
}

function asRefusal(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  return new GitRefusal(error instanceof Error ? error.message : String(error))
}
