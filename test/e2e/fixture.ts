import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../fixtures/repositories', import.meta.url))

/**
 * The files of a repository below test/fixtures/repositories, by path. `names`: words between blanks or dots that are others here,
 * since the cluster of the tests is shared by many; everything else is byte for byte what it is there.
 */
export function readFixture(repository: string, names: Readonly<Record<string, string>>): Record<string, string> {
  const folder = join(root, repository)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [path.slice(folder.length + 1), rename(readFileSync(path, 'utf8'), names)]
    }),
  )
}

function rename(text: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).reduce(
    (changed, [from, to]) => changed.replaceAll(new RegExp(`(?<![\\w-])${from}(?![\\w-])`, 'g'), to),
    text,
  )
}
