import { execFile } from 'node:child_process'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isBuilt } from '../bin/built.mjs'

const run = promisify(execFile)

/** Builds dist/ unless it is there and no source is newer. Made aside and moved into place, so that nobody runs half of it. */
export async function bundle(root: string, report: (line: string) => void): Promise<void> {
  if (isBuilt(root)) return
  const aside = await mkdtemp(join(root, 'dist.'))
  try {
    await run(process.execPath, [join(root, 'bin', 'build.ts'), join(aside, 'dist')], { cwd: root })
    await rm(join(root, 'dist'), { recursive: true, force: true })
    await rename(join(aside, 'dist'), join(root, 'dist'))
    report('capstan is bundled into dist/')
  } catch (error) {
    // the sources run as they are; a bundle only starts faster and needs less memory
    report(
      `capstan runs from its sources, since it could not be bundled: ${error instanceof Error ? error.message : ''}`,
    )
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}
