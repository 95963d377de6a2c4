import { Worker } from 'node:worker_threads'

/** What was seen of other processes while it ran. */
export type Sampled = { hits: string[]; processes: number; rounds: number }

/** Reads command line and environment of every process, over and over, until it is stopped. `own` is in the command lines of ours. */
export function sampleProcesses(own: string, needles: readonly string[]): () => Promise<Sampled> {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('proc-sampler-thread.ts', import.meta.url), {
    workerData: { own, needles, stop, self: process.pid },
  })
  const ended = new Promise<Sampled>((resolve, reject) => worker.once('message', resolve).once('error', reject))
  return async () => {
    Atomics.store(stop, 0, 1)
    return await ended
  }
}
