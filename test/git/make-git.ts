import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGit, type Git, type GitOptions } from '../../src/adapters/git/index.ts'
import type { Logger } from '../../src/lib/logger.ts'

const folders: string[] = []

/** A folder that {@link removeFolders} takes away. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-git-'))
  folders.push(folder)
  return folder
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** The real thing in a folder of its own. */
export function makeGit(options: Partial<GitOptions> = {}): Git {
  return createGit({ directory: temporaryFolder(), timeoutMs: 120_000, log: silent, ...options })
}
