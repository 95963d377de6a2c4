/** Small cached facts in Redis (law 1: never truth). Reads give undefined and writes do nothing when Redis is gone. */
export type Store = {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, options?: { ttlMs?: number }): Promise<void>
  delete(key: string): Promise<void>
  /** Adds to a bounded history, newest last. */
  append(stream: string, entry: Record<string, string>, options: { maxLength: number }): Promise<void>
  /** Newest first. */
  recent(stream: string, limit: number): Promise<{ id: string; entry: Record<string, string> }[]>
  close(): Promise<void>
}
