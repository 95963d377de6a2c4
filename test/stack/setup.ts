import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controlPlaneBinaries, linkTools, pathOf, testTools } from '../../playground/stack/binaries.ts'
import { startControlPlane } from '../../playground/stack/control-plane.ts'
import { startRedis } from '../../playground/stack/redis.ts'
import { startRegistry } from '../../playground/stack/registry.ts'
import { createSupervisor } from '../../playground/stack/supervisor.ts'
import { explainMissing } from '../../playground/tools/explain.ts'
import { installTools } from '../../playground/tools/install.ts'
import type { Stack } from './stack.ts'

let stop: (() => Promise<void>) | undefined

/**
 * Starts the real outside once for all tests of the projects `real` and `operator` and ends it after them. With CAPSTAN_TEST_STACK
 * set, as the first of the two projects leaves it, that stack is used and nothing is started.
 */
export async function setup(): Promise<void> {
  if (process.env.CAPSTAN_TEST_STACK) return
  const toolbox = await installTools(testTools, { report: (line) => console.log(line) })
  if (toolbox.missing.length > 0) throw new Error(explainMissing(toolbox.missing))
  const directory = mkdtempSync(join(tmpdir(), 'capstan-test-'))
  const supervisor = createSupervisor({ directory })
  stop = async () => {
    await supervisor.stopAll()
    rmSync(directory, { recursive: true, force: true })
    delete process.env.CAPSTAN_TEST_STACK
  }
  try {
    const binDir = linkTools(join(directory, 'bin'), toolbox)
    const [controlPlane, redis, registry] = await Promise.all([
      startControlPlane({ supervisor, directory, binaries: controlPlaneBinaries(toolbox) }),
      startRedis({ supervisor, directory, binary: pathOf(toolbox, 'redis-server') }),
      startRegistry({ supervisor, directory, binary: pathOf(toolbox, 'docker-registry') }),
    ])
    const stack: Stack = {
      kubeconfig: controlPlane.kubeconfig,
      redisUrl: redis.url,
      registry: registry.host,
      helm: join(binDir, 'helm'),
      kubectl: join(binDir, 'kubectl'),
      binDir,
    }
    const file = join(directory, 'stack.json')
    writeFileSync(file, JSON.stringify(stack), { mode: 0o600 })
    process.env.CAPSTAN_TEST_STACK = file
    // Tests that start a redis-server or kubectl of their own find the same ones.
    process.env.PATH = `${binDir}:${process.env.PATH ?? ''}`
  } catch (error) {
    await teardown()
    throw error
  }
}

/** Ends what `setup` started. */
export async function teardown(): Promise<void> {
  await stop?.()
  stop = undefined
}
