import { readdirSync, readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { Sampled } from './proc-sampler.ts'

type Given = { own: string; needles: readonly string[]; stop: Int32Array; self: number }

const pauseMs = 3
const { own, needles, stop, self } = workerData as Given
const hits = new Set<string>()
const seen = new Set<string>()
let rounds = 0
while (Atomics.load(stop, 0) === 0) {
  for (const pid of readdirSync('/proc')) if (/^\d+$/.test(pid) && Number(pid) !== self) look(pid)
  rounds++
  Atomics.wait(stop, 0, 0, pauseMs)
}
parentPort?.postMessage({ hits: [...hits], processes: seen.size, rounds } satisfies Sampled)

function look(pid: string): void {
  const command = read(`/proc/${pid}/cmdline`)
  const text = `${command}\n${read(`/proc/${pid}/environ`)}`
  if (text.includes(own)) seen.add(`${pid} ${command}`)
  if (needles.some((needle) => text.includes(needle))) hits.add(command.replaceAll('\0', ' ').slice(0, 200))
}

/** Empty when the process has gone. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
