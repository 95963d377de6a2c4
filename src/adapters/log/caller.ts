import { getCallSites } from 'node:util'

/** Where a line was logged, as `folder/file.ts:12`. Call it in the very function that callers call. */
export function callerOf(): string {
  const [, , site] = getCallSites(3)
  if (!site) return 'unknown'
  return `${site.scriptName.split('/').slice(-2).join('/')}:${site.lineNumber}`
}
