/** Facts that go with a log line. Values must be safe to print: secrets are registered with the redactor, never passed here. */
export type LogFields = Record<string, unknown>

/** The log that everything receives as an argument; pino satisfies it in main/, tests pass a recorder. */
export type Logger = {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  /** For our own bugs only. A user's mistake is `info` and a condition. */
  error(fields: LogFields, message: string): void
  child(fields: LogFields): Logger
}
