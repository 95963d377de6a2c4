import { ApiRefusal, Unreachable } from '../api/client.ts'

/** A server that starts again is away for a moment, or cannot answer yet. */
export function mayPass(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.problem.status >= 500 || error.problem.status === 429
  return error instanceof Unreachable
}
