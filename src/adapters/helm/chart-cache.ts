import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { untilAborted } from '../../lib/until-aborted.ts'
import { type Chart, readChart } from './chart-tree.ts'

/** Beyond this many charts those that were not used for an hour go. */
const maxKept = 200
const unusedMs = 60 * 60_000

/** Writes a chart into an empty folder that only this user may enter (hazard J8). */
export type Fill = (folder: string) => Promise<void>

export type ChartCache = {
  /** A chart that is on disk. */
  recall(key: string): Promise<Chart | undefined>
  /** The chart of this key, made once for all who ask. */
  once(key: string, fill: Fill, signal: AbortSignal): Promise<Chart>
  /** Another key for the same chart. */
  alias(key: string, chart: Chart): void
}

/** Charts by key, in folders of a directory that may be deleted at any time. */
export function createChartCache({ directory, now }: { directory: string; now: () => number }): ChartCache {
  const loading = new Map<string, Promise<Chart>>()
  const known = new Map<string, { chart: Chart; usedAt: number }>()

  async function recall(key: string): Promise<Chart | undefined> {
    const seen = known.get(key)
    if (!seen || !(await exists(join(seen.chart.path, 'Chart.yaml')))) return undefined
    if (now() - seen.usedAt > unusedMs / 4) await use(key, seen.chart)
    return seen.chart
  }

  async function use(key: string, chart: Chart): Promise<void> {
    await utimes(chart.path, now() / 1000, now() / 1000)
    known.set(key, { chart, usedAt: now() })
  }

  /** It has time limits of its own, so nobody's signal ends it for the others. */
  async function once(key: string, fill: Fill, signal: AbortSignal): Promise<Chart> {
    const here = await recall(key)
    if (here) return here
    let running = loading.get(key)
    if (!running) {
      running = make(key, fill).finally(() => loading.delete(key))
      loading.set(key, running)
    }
    return await untilAborted(running, signal)
  }

  async function make(key: string, fill: Fill): Promise<Chart> {
    const folder = join(directory, `chart-${hashOf(key)}`)
    if (!(await exists(join(folder, 'Chart.yaml')))) {
      const temporary = `${folder}.${randomUUID()}`
      await mkdir(directory, { recursive: true, mode: 0o700 })
      try {
        await mkdir(temporary, { mode: 0o700 })
        await fill(temporary)
        await readChart(temporary)
        await rm(folder, { recursive: true, force: true })
        await rename(temporary, folder)
      } finally {
        await rm(temporary, { recursive: true, force: true })
      }
      await sweep(directory, now())
    }
    const chart = await readChart(folder)
    await use(key, chart)
    return chart
  }

  return { recall, once, alias: (key, chart) => void known.set(key, { chart, usedAt: now() }) }
}

/** Bounded disk: the least recently used charts go, and what a killed process left half done. */
async function sweep(directory: string, now: number): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith('chart-'))
  const old: { name: string; usedAt: number }[] = []
  for (const name of names) {
    const usedAt = (await stat(join(directory, name)).catch(() => undefined))?.mtimeMs ?? now
    if (now - usedAt > unusedMs) old.push({ name, usedAt })
  }
  const halfDone = old.filter(({ name }) => name.includes('.'))
  const surplus = old.toSorted((a, b) => a.usedAt - b.usedAt).slice(0, Math.max(0, names.length - maxKept))
  for (const { name } of [...halfDone, ...surplus]) await rm(join(directory, name), { recursive: true, force: true })
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

/** A file name for any text. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
