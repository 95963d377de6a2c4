// Whether dist/ holds what src/ says. Plain JavaScript for Node 20; imports no package.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The built program below this folder. */
export function builtProgram(root) {
  return join(root, 'dist', 'capstan.js')
}

/** True when it is there and no source was changed after it was built. An image has no sources. */
export function isBuilt(root) {
  const builtAt = statSync(builtProgram(root), { throwIfNoEntry: false })?.mtimeMs
  if (builtAt === undefined) return false
  if (!existsSync(join(root, 'src'))) return true
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  const changed = [...files.map((file) => join(file.parentPath, file.name)), join(root, 'package-lock.json')]
  return changed.every((file) => statSync(file).mtimeMs <= builtAt)
}
