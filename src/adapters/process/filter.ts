import type { Duplex } from 'node:stream'
import type { Filter } from '../../lib/run.ts'
import { collect } from './collect.ts'

/**
 * Our side of the script in lib/run.ts. Answers once. What is longer than `limit` bytes, or is too much for the filter, gets no answer, so
 * that the script fails. What is no UTF-8 comes back as it is.
 */
export function answerFilter(channel: Duplex, { end, edit }: Filter, limit: number): void {
  const mark = Buffer.from(`\0${end}`)
  const collected = collect(limit + mark.length, () => channel.destroy())
  let tail = Buffer.alloc(0)
  let isAnswered = false

  function take(chunk: Buffer): void {
    collected.add(chunk)
    tail = Buffer.concat([tail, chunk.subarray(-mark.length)]).subarray(-mark.length)
    if (channel.destroyed || !tail.equals(mark)) return
    isAnswered = true
    try {
      const answer = edited(collected.bytes().subarray(0, -mark.length), edit)
      // in one piece: each one wakes the script
      channel.write(Buffer.concat([Buffer.from(`${answer.length}\n`), answer]))
    } catch {
      channel.destroy()
    }
  }

  // a child that is gone asks nothing
  channel.on('error', () => undefined)
  channel.on('data', (chunk: Buffer) => {
    if (!isAnswered) take(chunk)
    // the child says that it has read so many bytes
    else if (!channel.writableEnded) channel.end('end\n')
  })
}

function edited(bytes: Uint8Array, edit: Filter['edit']): Uint8Array {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return bytes
  }
  return Buffer.from(edit(text))
}
