import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { linesOf } from '../guide/lines.ts'
import { root } from '../packaging/dockerfile.ts'
import { stack } from '../stack/stack.ts'
import { type OldWorld, startOldWorld } from './old-world.ts'

const commands = linesOf('docs/migrating.md').map(({ text }) => text)

describe('docs/migrating.md', () => {
  let world: OldWorld
  let before: Record<string, string>

  beforeAll(async () => {
    world = await startOldWorld()
    await world.released('shop')
    before = await world.identities()
    const bin = join(world.folder, 'bin')
    await mkdir(bin)
    const program = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'bin/capstan.mjs')}' "$@"\n`
    await writeFile(join(bin, 'capstan'), program, { mode: 0o755 })
  })

  afterAll(async () => {
    await world?.stop()
  })

  /** As somebody would type it; the cluster is shared, so that the ancestors of this test are named. */
  async function type(line: string): Promise<string> {
    const { namespace, folder } = world
    const named = ['flux', 'helm-operator'].map((name) => `--deployment=${namespace}/${name}`).join(' ')
    const here = line
      .replace(/^capstan migrate /, `capstan migrate --timeout=240s --accept=other-capstan ${named} `)
      .replace('--namespace flux', `--namespace ${namespace}`)
    const { binDir, kubeconfig } = stack()
    const { stdout } = await promisify(execFile)('bash', ['-c', here], {
      cwd: folder,
      env: { PATH: `${join(folder, 'bin')}:${binDir}:/usr/bin:/bin`, KUBECONFIG: kubeconfig, HOME: folder },
    })
    return stdout
  }

  /** How many of the ancestors run after each. */
  const runs = new Map([
    ['capstan migrate --from flux-v1 --from helm-operator', [0, 0]],
    ['capstan migrate --from flux-v1 --from helm-operator --back', [1, 1]],
    ['capstan migrate --from helm-operator', [1, 0]],
    ['capstan migrate --from flux-v1', [0, 0]],
  ])

  const enables = new Map([
    ['capstan migrate --from helm-operator', '--enable=releases'],
    ['capstan migrate --from flux-v1', '--enable=releases,sync,images'],
  ])

  it('has commands', () => expect(commands.length).toBeGreaterThan(8))

  it.each(commands.map((line) => [line]))('%s', { timeout: 600_000 }, async (line) => {
    expect(await type(line)).not.toBe('')
    const wanted = runs.get(line)
    if (!wanted) return
    const found = [await world.replicas('flux'), await world.replicas('helm-operator')]
    expect(found.map(({ replicas }) => replicas)).toEqual(wanted)
    expect(await world.identities()).toEqual(before)
    const enable = enables.get(line)
    // kwok's pods are ready before the process that stands in for them has begun, or the one before it has ended
    if (enable) await until(`Capstan runs with ${enable}`, async () => world.standIn.argv().includes(enable))
  })
})
