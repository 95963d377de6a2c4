import type { RunLimits } from '../../lib/run.ts'

const mebibyte = 1024 ** 2
const most = 1024 * mebibyte
/** What a helm that waits for the API server holds, about (0 replicas of podinfo: 35 MiB of its own). */
const waitingBytes = 40 * mebibyte
/** Capstan itself, and those that work. */
const besidesBytes = 460 * mebibyte
const mostWaiting = 32
const leastWaiting = 2

export type HelmLimits = {
  /** A chart is somebody's program: it must not take the machine (hazard I5), nor more than half of our container (A7). */
  run: RunLimits
  /** From here on Go collects its garbage. */
  goMemory: string
  /** A helm that waits uses no processor: so many have places of their own, so that they hold up no others (W6). */
  waiting: number
}

/** `containerBytes`: the limit of the container that helm shares with us, where there is one. */
export function helmLimits(containerBytes = Number.POSITIVE_INFINITY): HelmLimits {
  const dataBytes = Math.min(most, Math.floor(containerBytes / 2))
  const room = Math.floor((containerBytes * 0.9 - besidesBytes) / waitingBytes)
  return {
    run: { dataBytes, cpuSeconds: 60 },
    goMemory: `${Math.floor(dataBytes / 4 / mebibyte)}MiB`,
    waiting: Math.min(mostWaiting, Math.max(leastWaiting, room)),
  }
}
