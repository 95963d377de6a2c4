import type { Duplex } from 'node:stream'
import { collect } from './collect.ts'

/**
 * Our side of the script in lib/run.ts. Answers once. What is longer than `limit` bytes, or is too much for the filter, gets no answer, so
 * that the script fails.
 */
export function answerFilter(channel: Duplex, filter: (text: string) => string, limit: number): void {
  const collected = collect(limit, () => channel.destroy())
  // a child that is gone asks nothing
  channel.on('error', () => undefined)
  channel.on('data', (chunk: Uint8Array) => {
    const end = chunk.indexOf(0)
    collected.add(end < 0 ? chunk : chunk.subarray(0, end))
    if (end < 0 || channel.destroyed) return
    channel.pause()
    try {
      const answer = Buffer.from(filter(new TextDecoder().decode(collected.bytes())))
      channel.end(Buffer.concat([Buffer.from(`${answer.length}\n`), answer, Buffer.from('end\n')]))
    } catch {
      channel.destroy()
    }
  })
}
