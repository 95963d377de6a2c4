/** The job that a finished job led to: its result ends in `→ <id>`. Undefined when nothing follows. */
export function nextJobOf(result: string | undefined): string | undefined {
  return /→ ([a-z-]+\.[\w.~-]+)$/.exec(result ?? '')?.[1]
}

/** The revision `branch@<40 hex>` that the result of a finished fetch begins with. */
export function fetchedRevisionOf(result: string | undefined): string | undefined {
  return /^(\S+@[0-9a-f]{40})(?: |$)/.exec(result ?? '')?.[1]
}
