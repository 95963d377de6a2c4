import type { Logger } from './logger.ts'

/** A log that tells nobody: for short looks whose error says it all. */
export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
