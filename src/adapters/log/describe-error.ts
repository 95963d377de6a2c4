/** How many causes are followed. */
const mostCauses = 3

/**
 * What a log says of an error: its type, message, reason, stack and causes. Nothing else that it carries: errors of clients hold
 * headers, bodies and command lines (hazard K1).
 */
export function describeError(error: Error, causes = mostCauses): Record<string, unknown> {
  const { cause } = error
  return {
    type: error.name,
    message: error.message,
    ...('reason' in error ? { reason: String(error.reason) } : {}),
    ...(error.stack ? { stack: error.stack } : {}),
    ...(cause instanceof Error && causes > 0 ? { cause: describeError(cause, causes - 1) } : {}),
  }
}
