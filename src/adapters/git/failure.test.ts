import { describe, expect, it } from 'vitest'
import { AppError } from '../../domain/error.ts'
import { GitRefusal } from './command.ts'
import { isDamage, isLocked, meaningfulLine, translate } from './failure.ts'

const about = {
  shown: 'https://host/x',
  redact: (text: string) => text.replaceAll('hunter2', '***'),
  timedOut: undefined,
}

function reasonOf(output: string): string {
  const error = translate(new GitRefusal(output), about)
  return error instanceof AppError ? error.reason : String(error)
}

describe('what git said', () => {
  it.each([
    ["fatal: Authentication failed for 'https://host/x'", 'GitAuthFailed'],
    ["fatal: could not read Username for 'https://host': terminal prompts disabled", 'GitAuthFailed'],
    ['fatal: unable to access: The requested URL returned error: 403', 'GitAuthFailed'],
    ['git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'GitAuthFailed'],
    ['Host key verification failed.\nfatal: Could not read from remote repository.', 'GitAuthFailed'],
    ["fatal: couldn't find remote ref refs/heads/x", 'GitRefNotFound'],
    ["fatal: unable to access 'https://host/': Could not resolve host: host", 'GitUnreachable'],
    ['fatal: something new', 'GitUnreachable'],
  ])('"%s" means %s', (output, reason) => {
    expect(reasonOf(output)).toBe(reason)
  })

  it.each([
    [
      'git@host: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n',
      'git@host: Permission denied (publickey).',
    ],
    [
      "remote: Not Found\nfatal: repository 'https://u:hunter2@host/x/' not found\n",
      "repository 'https://host/x/' not found",
    ],
    [
      'To https://host/x\n!\trefs/heads/a:refs/heads/a\t[rejected]\nerror: failed to push some refs',
      '!\trefs/heads/a:refs/heads/a\t[rejected]',
    ],
    ['Error: spawn git ENOENT\n at x', 'git is not installed'],
    ['', 'git failed'],
    [`fatal: ${'x'.repeat(1_000)}`, 'x'.repeat(300)],
  ])('is told in one line', (output, expected) => {
    expect(meaningfulLine(output)).toBe(expected)
  })

  it('is told without what is secret', () => {
    expect(translate(new GitRefusal('fatal: no hunter2 here'), about)).toMatchObject({
      message: 'https://host/x: no *** here',
    })
  })

  it('does not matter when the time was over', () => {
    expect(translate(new GitRefusal('fatal: x'), { ...about, timedOut: 20_000 })).toMatchObject({
      reason: 'GitUnreachable',
      message: 'https://host/x did not answer within 20 s',
    })
  })
})

describe('damage of the mirror', () => {
  it.each([
    ['fatal: not a git repository: /x', true],
    ['error: object file ./objects/ab/cd is empty', true],
    ['fatal: packed object abc (stored in x.pack) is corrupt', true],
    ["fatal: bad boolean config value 'tsue' for 'core.bare'", true],
    ["fatal: '/x' does not appear to be a git repository", false],
    ['remote: error: object file ./objects/ab/cd is empty\nfatal: protocol error', false],
    ['fatal: Authentication failed', false],
    ['error: unable to unpack: No space left on device', false],
  ])('is seen in the words when a remote was in play: %s', (output, expected) => {
    expect(isDamage(new GitRefusal(output), { local: false })).toBe(expected)
  })

  it('is what any refusal means where no remote was in play, but not the machine’s own troubles', () => {
    expect(isDamage(new GitRefusal('fatal: whatever'), { local: true })).toBe(true)
    expect(isDamage(new GitRefusal('Error: spawn git ENOENT'), { local: true })).toBe(false)
    expect(isDamage(new GitRefusal('git ended with code null'), { local: true })).toBe(false)
    expect(isDamage(new Error('other'), { local: true })).toBe(false)
  })

  it('is not what a lock is', () => {
    expect(isLocked(new GitRefusal("fatal: Unable to create '/x/packed-refs.lock': File exists."))).toBe(true)
    expect(isLocked(new GitRefusal('fatal: x'))).toBe(false)
  })
})
