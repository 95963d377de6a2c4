import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

type Child = { command: string; pid: number; end: (why: string) => void }

/** The children that run under limits (see {@link RunRequest.limits}): those may be ended when memory is short. */
export type LimitedChildren = {
  /** Gives what takes it off the list. */
  add(child: Child): () => void
  /**
   * Ends the one whose process group holds most memory, with what is said of it, and gives that. Undefined where none runs, or one that was
   * to end is not gone yet: what it held is not free before.
   */
  endLargest(say: (command: string, heldBytes: number) => string): string | undefined
}

export function createLimitedChildren(): LimitedChildren {
  const children = new Set<Child>()
  const ending = new Set<Child>()
  return {
    add(child) {
      preferAsVictim(child.pid)
      children.add(child)
      return () => {
        children.delete(child)
        ending.delete(child)
      }
    },
    endLargest(say) {
      if (children.size === 0 || ending.size > 0) return undefined
      const held = heldByGroup()
      const bytesOf = ({ pid }: Child) => held.get(pid) ?? 0
      const [largest] = [...children].toSorted((a, b) => bytesOf(b) - bytesOf(a))
      if (!largest) return undefined
      const why = say(largest.command, bytesOf(largest))
      ending.add(largest)
      largest.end(why)
      return why
    },
  }
}

/** The kernel, where it has to kill, is to kill this one and not us. Only Linux has the file. */
function preferAsVictim(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '1000')
  } catch {
    // it has ended already, or there is no such file
  }
}

/** Bytes in memory by process group, which a child's descendants share. */
function heldByGroup(): Map<number, number> {
  const held = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      // proc(5): the name stands in parentheses and may hold anything
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
      const [, kilobytes = 0] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8')) ?? []
      held.set(group, (held.get(group) ?? 0) + Number(kilobytes) * 1024)
    } catch {
      // it ended meanwhile
    }
  }
  return held
}
