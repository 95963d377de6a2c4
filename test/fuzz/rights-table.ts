import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../packaging/dockerfile.ts'

/** Columns of docs/rights.md, by the role that they are about. */
const columns = { none: 'no token', reader: 'view everywhere', operator: 'edit everywhere', admin: 'admin everywhere' }

export type Role = keyof typeof columns
export const roles = Object.keys(columns) as Role[]

/** Whether a role may call a route, by `METHOD /path/{parameter}`, as docs/rights.md says. */
export function readRights(role: Role): Record<string, boolean> {
  const rows = readFileSync(join(root, 'docs/rights.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  const column = rows[0]?.indexOf(columns[role]) ?? -1
  if (column < 0) throw new Error(`docs/rights.md has no column ${columns[role]}`)
  const routes = rows.flatMap((row): [string, boolean][] => {
    const [, key = ''] = /^`([A-Z]+ \S+)`$/.exec(row[0] ?? '') ?? []
    return key === '' ? [] : [[key.replaceAll(/:(\w+)/g, '{$1}'), row[column] === '✓']]
  })
  if (routes.length < 30) throw new Error('docs/rights.md has too few routes: is its table as it was?')
  return Object.fromEntries(routes)
}
