import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** A reference that a push made, moved (both given) or removed. */
export type RefUpdate = { ref: string; before?: string; after?: string }

const run = promisify(execFile)

/** All references of a repository by full name. Empty for a folder that is none. */
export async function listRefs(folder: string): Promise<Map<string, string>> {
  try {
    const { stdout } = await run('git', ['-C', folder, 'for-each-ref', '--format=%(objectname) %(refname)'])
    const lines = stdout.split('\n').filter(Boolean)
    return new Map(lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]))
  } catch {
    return new Map()
  }
}

/** What changed between two lists of references. */
export function refUpdates(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): RefUpdate[] {
  const updates: RefUpdate[] = []
  for (const ref of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(ref), after.get(ref)]
    if (old !== now) updates.push({ ref, ...(old && { before: old }), ...(now && { after: now }) })
  }
  return updates
}
