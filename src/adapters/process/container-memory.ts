import { existsSync, readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { dirname, join } from 'node:path'

export type MemoryUse = {
  /** What the kernel could not take back by itself. */
  heldBytes: number
  limitBytes: number
}

/** Undefined when it could not be read. */
export type LookAtMemory = () => MemoryUse | undefined

/** Files of the kernel; the pages that it can take back at once are named by their lines in `memory.stat`. */
type Layout = { limit: string; used: string; takenBack: RegExp }

const second: Layout = {
  limit: 'memory.max',
  used: 'memory.current',
  takenBack: /^(?:in)?active_file (\d+)$|^slab_reclaimable (\d+)$/gm,
}
const first: Layout = {
  limit: 'memory.limit_in_bytes',
  used: 'memory.usage_in_bytes',
  takenBack: /^total_(?:in)?active_file (\d+)$/gm,
}

/**
 * How to look at the memory of the control group (cgroup v1 or v2) that this process shares with its children; undefined where nothing limits
 * it. A limit that is changed later counts. `root`: where `/proc` and `/sys` are.
 * https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
 */
export function findContainerMemory(root = '/'): LookAtMemory | undefined {
  const group = ownGroup(root)
  if (!group) return undefined
  const { folders, layout } = group
  const limited = folders
    .map((folder) => ({ folder, limit: limitOf(folder, layout) }))
    .filter(({ limit }) => limit < totalmem())
    .toSorted((a, b) => a.limit - b.limit)[0]
  return limited && (() => look(limited.folder, layout))
}

/** From the innermost out. Where the path is that of the host, as seen from a container, only its root is there, which is our own group. */
function ownGroup(root: string): { folders: string[]; layout: Layout } | undefined {
  const lines = (read(join(root, 'proc/self/cgroup')) ?? '').split('\n').map((line) => line.split(':'))
  const older = lines.find(([, controllers]) => controllers?.split(',').includes('memory'))
  const path = (older ?? lines.find(([id]) => id === '0'))?.slice(2).join(':')
  if (path === undefined) return undefined
  const top = join(root, older ? 'sys/fs/cgroup/memory' : 'sys/fs/cgroup')
  const folders = []
  for (let folder = join(top, path); folder.startsWith(top); folder = dirname(folder)) folders.push(folder)
  return { folders: folders.filter((folder) => existsSync(folder)), layout: older ? first : second }
}

function look(folder: string, layout: Layout): MemoryUse | undefined {
  const limitBytes = limitOf(folder, layout)
  const used = Number(read(join(folder, layout.used)) ?? Number.NaN)
  if (Number.isNaN(used)) return undefined
  const lines = (read(join(folder, 'memory.stat')) ?? '').matchAll(layout.takenBack)
  const takenBack = [...lines].reduce((sum, [, file, slab]) => sum + Number(file ?? slab), 0)
  return { heldBytes: Math.max(0, used - takenBack), limitBytes }
}

/** `max` is no number, and none is none. */
function limitOf(folder: string, { limit }: Layout): number {
  const bytes = Number.parseInt(read(join(folder, limit)) ?? '', 10)
  return Number.isNaN(bytes) ? Number.POSITIVE_INFINITY : bytes
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
