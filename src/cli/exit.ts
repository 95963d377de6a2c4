import { ApiRefusal, Unreachable } from '../api/client.ts'

/** Exit codes of all verbs (W36). */
export const exitCodes = {
  done: 0,
  /** Failed, or not as wished. */
  failed: 1,
  /** Only of `plan`: something would change. */
  changes: 2,
  timeout: 3,
  notFound: 4,
  denied: 5,
  unreachable: 6,
  usage: 64,
  interrupted: 130,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What was asked for did not happen in the time that was given. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut'
}

/** The command line makes no sense. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage'
}

/** What was named does not exist. */
export class NotThere extends Error {
  override readonly name = 'NotThere'
}

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof TimedOut) return exitCodes.timeout
  if (error instanceof WrongUsage) return exitCodes.usage
  if (error instanceof NotThere) return exitCodes.notFound
  if (error instanceof Unreachable) return exitCodes.unreachable
  if (error instanceof ApiRefusal) return exitCodeOfStatus(error.problem.status)
  return exitCodes.failed
}

function exitCodeOfStatus(status: number): ExitCode {
  if (status === 400) return exitCodes.usage
  if (status === 401 || status === 403) return exitCodes.denied
  return status === 404 ? exitCodes.notFound : exitCodes.failed
}
