import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A control group with a limit of its memory, as a container has. */
export type MemoryGroup = {
  add(pid: number): void
  /** Processes that the kernel killed, since it could not hold more. */
  kernelKills(): number
  /** All of its processes must have ended. */
  close(): void
}

/** Undefined where this machine lets us make none. */
export function openMemoryGroup(name: string, bytes: number): MemoryGroup | undefined {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').split('\n')
  const older = lines.find((line) => line.split(':')[1]?.split(',').includes('memory'))
  const path = (older ?? lines.find((line) => line.startsWith('0::')))?.split(':').slice(2).join(':')
  if (path === undefined) return undefined
  const top = older ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup'
  const folder = join(existsSync(join(top, path)) ? join(top, path) : top, name)
  const limit = join(folder, older ? 'memory.limit_in_bytes' : 'memory.max')
  const events = join(folder, older ? 'memory.oom_control' : 'memory.events')
  try {
    mkdirSync(folder)
  } catch {
    return undefined
  }
  if (!existsSync(limit)) {
    rmdirSync(folder)
    return undefined
  }
  writeFileSync(limit, String(bytes))
  return {
    add: (pid) => writeFileSync(join(folder, 'cgroup.procs'), String(pid)),
    kernelKills: () => Number(/^oom_kill (\d+)$/m.exec(readFileSync(events, 'utf8'))?.[1] ?? 0),
    close: () => rmdirSync(folder),
  }
}
