export type Tail = {
  add(chunk: Uint8Array): void
  text(): string
  /** Whether anything was dropped. */
  isCut(): boolean
}

/** Keeps the last `limit` bytes of a stream: programs say at the end why they failed. */
export function keepTail(limit: number): Tail {
  let chunks: Uint8Array[] = []
  let size = 0
  let cut = false

  function shrink(): void {
    const all = Buffer.concat(chunks)
    chunks = [all.subarray(all.length - limit)]
    size = limit
    cut = true
  }

  return {
    add(chunk) {
      chunks.push(chunk)
      size += chunk.length
      // Shrunk at twice the limit, so that a chatty program costs one copy per `limit` bytes and not one per line.
      if (size > limit * 2) shrink()
    },
    text() {
      if (size > limit) shrink()
      return Buffer.concat(chunks).toString()
    },
    isCut: () => cut || size > limit,
  }
}
