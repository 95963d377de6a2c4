/**
 * Says whether this process may still write. `epoch` names the process's Lease; `check` throws AppError `FenceLost`
 * when the Lease was not renewed within 10 s by the monotonic clock. Called before each write; costs no request (W4).
 */
export type Fence = {
  readonly epoch: string
  check(): void
  /** True when the Lease of that epoch is gone or expired: its holder cannot write any more. Reads the cluster. */
  isDead(epoch: string): Promise<boolean>
}
