import { AppError } from '../../domain/error.ts'
import type { Reason } from '../../domain/status/reason.ts'
import { GitRefusal } from './command.ts'
import { hostKeyProblem } from './host-key.ts'

/** Words by which git, ssh and the usual servers say the same thing. First match counts. */
const meanings: readonly (readonly [pattern: RegExp, reason: Reason])[] = [
  [/gpg failed to sign|cannot run gpg|no secret key/i, 'SigningFailed'],
  [/couldn't find remote ref|unknown revision|not a (?:valid object|valid ref|tree object)/i, 'GitRefNotFound'],
  [/host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/i, 'GitAuthFailed'],
  [
    /permission denied|authentication failed|authorization failed|access denied|invalid (?:username|credentials)/i,
    'GitAuthFailed',
  ],
  [
    /could not read (?:username|password)|terminal prompts disabled|returned error: 40[13]|HTTP 40[13]/i,
    'GitAuthFailed',
  ],
  [
    /load key .*(?:invalid format|error in libcrypto)|no such identity|too many authentication failures/i,
    'GitAuthFailed',
  ],
]

/** Damage of our own copy, not of the repository, when a remote was in play too. */
const damage = new RegExp(
  [
    'not a git repository|bad config|bad (?:boolean|numeric) config value|unable to parse .*config|invalid HEAD',
    'object file .* is empty|loose object .* is corrupt|packed object .* is corrupt|is corrupted|bad (?:tree |packed )?object',
    'packfile .* (?:cannot be|is far too|does not match|index)|index file .* is too small|improper chunk|bad signature',
    'unable to read (?:tree|sha1|[0-9a-f]{40})|inflate: data stream error|unable to unpack|hash mismatch|failed to read object',
    'invalid sha1 pointer|does not point to a valid object|missing (?:blob|tree|commit)|did not send all necessary objects',
    'un(?:terminated|expected) line in .*packed-refs|unable to (?:open|mmap|read) .*(?:packed-refs|\\.pack|\\.idx)|broken',
  ].join('|'),
  'i',
)

/** Troubles of this machine, which a fresh clone would not mend. */
const trouble =
  /spawn |out of memory|malloc|no space left|read-only file system|disk quota|too many open files|cannot fork|resource temporarily|permission denied|ended with code|not permitted|blocked by/i

/** What stands after the line that says why. */
const noise =
  /^(?:and the repository exists\.?|please make sure you have the correct access rights|(?:fatal: )?could not read from remote repository\.?|error: failed to push some refs.*|hint:.*|to .*|done|server host key: .*|fatal: fetch-pack: invalid index-pack output|fatal: the remote end hung up unexpectedly)$/i

/** The mirror does not hold what it must hold. */
export class MirrorDamage extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MirrorDamage'
  }
}

/**
 * Whether the mirror itself is broken and a fresh clone would help. Without a remote in play git has no other reason to refuse;
 * with one, only its words tell.
 */
export function isDamage(error: unknown, { local }: { local: boolean }): boolean {
  if (error instanceof MirrorDamage) return true
  if (!(error instanceof GitRefusal) || trouble.test(error.output)) return false
  return local || damage.test(error.output.replaceAll(/^remote:.*$/gm, ''))
}

/** Whether another git is writing to the same mirror. */
export function isLocked(error: unknown): boolean {
  return error instanceof GitRefusal && /cannot lock ref|unable to create '.*\.lock': file exists/i.test(error.output)
}

/** Whether the server sends to another URL, and git was not to follow. */
export function isRedirect(error: unknown): boolean {
  return error instanceof GitRefusal && /requested URL returned error: 30[12378]/.test(error.output)
}

/** Whether the server has no such repository. */
export function isNotThere(error: unknown): boolean {
  return error instanceof GitRefusal && /repository '.*' not found|returned error: 404/.test(error.output)
}

/** Any failure of an operation as AppError. The message is git's last line that says something, with nothing secret in it. */
export function translate(
  error: unknown,
  { shown, redact, timedOut }: { shown: string; redact: (text: string) => string; timedOut: number | undefined },
): unknown {
  if (timedOut !== undefined) {
    const seconds = Math.round(timedOut / 1000)
    return new AppError('GitUnreachable', `${shown} did not answer within ${seconds} s`, { cause: error })
  }
  if (error instanceof MirrorDamage) return new AppError('GitRefNotFound', `${shown}: ${error.message}`)
  if (!(error instanceof GitRefusal)) return error
  if (isRedirect(error)) {
    const message = `${shown}: the server sends to another URL, which is not followed: give the URL that it sends to`
    return new AppError('GitUnreachable', message)
  }
  const reason = meanings.find(([pattern]) => pattern.test(error.output))?.[1] ?? 'GitUnreachable'
  return new AppError(reason, `${shown}: ${hostKeyProblem(error.output) ?? redact(meaningfulLine(error.output))}`)
}

/** Cut, without passwords in URLs. */
export function meaningfulLine(output: string): string {
  if (/spawn git ENOENT/.test(output)) return 'git is not installed'
  const lines = output
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !noise.test(line))
  const auth = lines.findLast((line) => meanings.some(([pattern]) => pattern.test(line)))
  const line =
    auth ?? lines.findLast((one) => /^(?:fatal|error|remote|ssh):/i.test(one)) ?? lines.at(-1) ?? 'git failed'
  return line
    .replace(/^(?:fatal|error|remote): */i, '')
    .replaceAll(/:\/\/[^@/\s'"]*@/g, '://')
    .slice(0, 300)
}
