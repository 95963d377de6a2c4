import { rmSync } from 'node:fs'

/** Removes a folder in which programs that were killed may still write for a moment. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 })
}
