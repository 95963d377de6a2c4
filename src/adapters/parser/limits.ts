import type { RawFile } from '../../domain/manifest/wire.ts'

const mebibyte = 1024 * 1024
/** Holds a list of ordinary objects as large as a file may be (hazard G1). */
const heapMebibytes = 512
/** What Node reserves or takes besides the heap: code range, stacks of threads, the input and the answers. */
const besidesMebibytes = 896
const baseMs = 10_000
/** Ten times what it takes on an idle machine. */
const msPerMebibyte = 10_000
const baseOutputBytes = 4 * mebibyte
/** A short object of a definition stands in its answer three times as long, twice, and quoted. */
const outputFactor = 16

/** What one process may use for these files. */
export type ChildLimits = {
  heapMebibytes: number
  dataBytes: number
  cpuSeconds: number
  timeoutMs: number
  outputBytes: number
}

export function limitsFor(files: readonly RawFile[]): ChildLimits {
  const bytes = files.reduce((sum, file) => sum + file.bytes.length, 0)
  const timeoutMs = baseMs + Math.ceil((bytes / mebibyte) * msPerMebibyte)
  return {
    heapMebibytes,
    dataBytes: (heapMebibytes + besidesMebibytes) * mebibyte,
    cpuSeconds: Math.ceil(timeoutMs / 1000),
    timeoutMs,
    outputBytes: baseOutputBytes + bytes * outputFactor + files.length * 1024,
  }
}
