export type Collected = {
  add(chunk: Uint8Array): void
  /** What came in, up to the limit. */
  bytes(): Uint8Array
}

/** Collects the beginning of a stream, up to `limit` bytes. `onTooMuch` is called once, when the first byte beyond it comes. */
export function collect(limit: number, onTooMuch: () => void): Collected {
  const chunks: Uint8Array[] = []
  let size = 0
  let isFull = false
  return {
    add(chunk) {
      if (isFull) return
      const room = limit - size
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
      size += Math.min(chunk.length, room)
      if (chunk.length <= room) return
      isFull = true
      onTooMuch()
    },
    bytes: () => Buffer.concat(chunks),
  }
}
