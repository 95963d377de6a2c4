/** Small fetches leave loose objects and packs; git's own clean-up is off because it would run inside any call. */
const everyFetches = 100

/** Tells after each fetch of a mirror whether it is time to let git pack it. */
export function tidy(): (name: string) => boolean {
  const fetches = new Map<string, number>()
  return (name) => {
    const count = (fetches.get(name) ?? 0) + 1
    fetches.set(name, count % everyFetches)
    return count === everyFetches
  }
}
