import { openSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import type { Keys } from '../cli/fluxctl/menu.ts'

/** The keys that are pressed at the terminal of this process, also where its input comes from elsewhere. Throws where there is none. */
export function readKeys(): Keys {
  const terminal = new ReadStream(openSync('/dev/tty', 'r'))
  terminal.setRawMode(true)
  terminal.setEncoding('utf8')
  return {
    columns: process.stdout.columns || 9999,
    async *[Symbol.asyncIterator]() {
      try {
        // an arrow comes as three characters at once
        for await (const keys of terminal) yield* /\[[A-Z]$/.test(String(keys)) ? [String(keys)] : String(keys)
      } finally {
        terminal.setRawMode(false)
        terminal.destroy()
      }
    },
  }
}
