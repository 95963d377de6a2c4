import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Run } from '../../lib/run.ts'

/** A folder of its own for as long as `use` runs, 0700; gone afterwards whatever happens. */
export type Scratch = <T>(use: (folder: string) => Promise<T>) => Promise<T>

/** Folders below one directory. What a killed process left there goes before the first one is made: it may hold secrets. */
export function createScratch({ directory, run }: { directory: string; run: Run }): Scratch {
  let swept: Promise<void> | undefined
  return async (use) => {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await (swept ??= sweep(directory, run))
    const folder = await mkdtemp(join(directory, `checkout-${process.pid}-`))
    try {
      return await use(folder)
    } finally {
      await remove(folder, run)
    }
  }
}

/** Go's module cache and the like make folders read-only, which keeps everybody but root from removing what is in them. */
async function remove(folder: string, run: Run): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    const env = { PATH: '/usr/bin:/bin' }
    await run({ command: 'chmod', args: ['-R', 'u+rwX', '--', folder], env, timeoutMs: 60_000 })
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function sweep(directory: string, run: Run): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = Number(/^checkout-(\d+)-/.exec(name)?.[1])
    if (pid && pid !== process.pid && !isAlive(pid)) await remove(join(directory, name), run)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
