import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { takeFileLock } from '../../playground/stack/file-lock.ts'
import { until } from '../../playground/stack/until.ts'
import { toolsFolder } from '../../playground/tools/cache.ts'
import { createGoBuilder } from '../../playground/tools/go-build.ts'
import { tools } from '../../playground/tools/table.ts'

/**
 * Builds a program of one Go file within the module of fluxctl, so that it may use fluxd's own packages and all that they use; once for each
 * version of the file. Gives the program.
 */
export async function buildWithFlux(source: string, name: string): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)
  const folder = join(toolsFolder(), `${name}-${digest}`)
  const program = join(folder, name)
  mkdirSync(join(folder, 'module'), { recursive: true })
  const lock = await lockOf(join(folder, 'lock'))
  try {
    if (existsSync(program)) return program
    const { go } = tools.fluxctl
    if (!go) throw new Error('fluxctl is built from no module')
    cpSync(source, join(folder, 'module', 'main.go'))
    await createGoBuilder().build({ ...go, package: '.', ldflags: [] }, { folder, name })
    return program
  } finally {
    lock.release()
  }
}

async function lockOf(file: string): Promise<{ release(): void }> {
  let held: { release(): void } | undefined
  const take = async () => {
    const lock = takeFileLock(file)
    if ('release' in lock) held = lock
    return held !== undefined
  }
  // a little less than a test has: this one says who is waited for
  await until('nobody else builds it', take, { timeoutMs: 280_000 })
  return held as { release(): void }
}
