type Tree = { [key: string]: unknown }

/** Paths of values, such as `git.url`; a list or an empty map is a leaf, and so are maps whose keys are the user's. */
export function keysOf(tree: Tree, before = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    value && typeof value === 'object' && !Array.isArray(value) && !isUsers(key) && Object.keys(value).length > 0
      ? keysOf(value as Tree, `${before}${key}.`)
      : [`${before}${key}`],
  )
}

function isUsers(key: string): boolean {
  return key === 'resources'
}
