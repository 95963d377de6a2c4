import { AppError } from '../../domain/error.ts'

/** The files below the paths, all when there are none. Throws PathNotFound that names every path without a file. */
export function belowPaths<T extends { path: string }>(files: readonly T[], paths: readonly string[]): readonly T[] {
  if (paths.length === 0) return files
  const roots = paths.map((path) => ({
    path,
    root: path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/'),
  }))
  const missing = roots.filter(({ root }) => root !== '' && !files.some((file) => isBelow(file.path, root)))
  if (missing.length > 0) {
    const names = missing.map(({ path }) => `'${path}'`).join(', ')
    throw new AppError('PathNotFound', `not in the repository at this revision: ${names}`)
  }
  return files.filter((file) => roots.some(({ root }) => isBelow(file.path, root)))
}

/** Whether a path is the root itself or below it; everything is below the empty root. */
export function isBelow(path: string, root: string): boolean {
  return root === '' || path === root || path.startsWith(`${root}/`)
}
