import { isNotThere, isRedirect } from './failure.ts'
import type { Operation } from './operation.ts'

/**
 * Runs a task, and where the server would send elsewhere, which is not followed, once more with the `.git` that is missing in the URL:
 * that is where GitLab sends. What helped is remembered.
 */
export function createSuffixed(): <T>(operation: Operation, task: (operation: Operation) => Promise<T>) => Promise<T> {
  const helped = new Set<string>()

  return async (operation, task) => {
    const { reach } = operation
    const { url, name, mayRedirect } = reach
    const isBare = !mayRedirect && /^https?:[^?#]*$/i.test(url) && !/\.git\/?$/i.test(url)
    const longer = { ...operation, reach: { ...reach, url: `${url.replace(/\/+$/, '')}.git` } }
    if (isBare && helped.has(name)) return await task(longer)
    try {
      return await task(operation)
    } catch (error) {
      if (!isBare || !isRedirect(error)) throw error
      const result = await task(longer).catch((again: unknown) => {
        throw isNotThere(again) ? error : again
      })
      helped.add(name)
      return result
    }
  }
}
