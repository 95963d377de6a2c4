/** Ends a switch over a closed union: a new member does not compile until it has a case. */
export function never(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`)
}
