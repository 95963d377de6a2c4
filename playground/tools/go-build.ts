import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { goModText, type ModuleFile } from './go-module.ts'
import { which } from './on-path.ts'
import { runCommand } from './run-command.ts'
import type { GoSource } from './table.ts'

const buildMs = 40 * 60_000

/** Builds programs from Go modules. A module that could not be fetched is not asked for again. */
export type GoBuilder = {
  /** Leaves the program as `folder/name`. Throws with the reason. */
  build(source: GoSource, target: { folder: string; name: string }, signal?: AbortSignal): Promise<void>
}

export function createGoBuilder(): GoBuilder {
  const modules = new Map<string, Promise<string>>()
  return {
    async build(source, { folder, name }, signal) {
      const go = which('go')
      if (!go) throw new Error('no go on PATH')
      const key = `${source.module}@${source.version}`
      if (!modules.has(key)) modules.set(key, readModule(go, source, signal))
      const text = await modules.get(key)
      const work = join(folder, 'module')
      mkdirSync(work, { recursive: true })
      writeFileSync(join(work, 'go.mod'), text ?? '')
      const ldflags = ['-s', '-w', ...source.ldflags].join(' ')
      const args = ['build', '-trimpath', '-ldflags', ldflags, '-o', join(folder, name), source.package]
      const built = await runCommand(go, args, {
        cwd: work,
        env: environment(),
        timeoutMs: buildMs,
        ...(signal && { signal }),
      })
      if (!built.ok) throw new Error(`${basename(source.package)}: ${built.reason}`)
    },
  }
}

async function readModule(go: string, source: GoSource, signal: AbortSignal | undefined): Promise<string> {
  const options = { env: environment(), timeoutMs: 5 * 60_000, ...(signal && { signal }) }
  const name = `${source.module}@${source.version}`
  const fetched = await runCommand(go, ['mod', 'download', '-json', name], options)
  if (!fetched.ok) throw new Error(`module ${name} cannot be fetched: ${fetched.reason}`)
  const { GoMod } = JSON.parse(fetched.stdout) as { GoMod: string }
  const read = await runCommand(go, ['mod', 'edit', '-json', GoMod], options)
  if (!read.ok) throw new Error(`go.mod of ${name} cannot be read: ${read.reason}`)
  return goModText(source, JSON.parse(read.stdout) as ModuleFile)
}

function environment(): NodeJS.ProcessEnv {
  // No C compiler is needed; -mod=mod lets go write the sums that it has verified; a workspace around us must not count.
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOWORK: 'off', GO111MODULE: 'on' }
}
