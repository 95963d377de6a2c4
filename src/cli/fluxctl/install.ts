import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type InstallRequest, manifestsOf, type RenderChart } from '../commands/install.ts'
import type { VerbContext } from './context.ts'
import { Failure } from './failure.ts'

/** `fluxctl install`: the flags of fluxctl, the manifests of Capstan, as `capstan install` writes them. It speaks to no cluster. */
export function install(render: RenderChart): (context: Omit<VerbContext, 'api'>) => Promise<void> {
  return async (context) => {
    const { flags, words, out, err } = context
    if (words.length > 0) throw new Failure('expected no (non-flag) arguments')
    if (flags.text('git-url') === '') throw new Failure('please supply a valid --git-url argument')
    if (flags.text('git-email') === '') throw new Failure('please supply a valid --git-email argument')
    const folder = flags.text('output-dir')
    const there = folder === '' ? undefined : statSync(folder, { throwIfNoEntry: false })
    if (folder !== '' && !there) throw new Failure(`stat ${folder}: no such file or directory`)
    if (folder !== '' && !there?.isDirectory()) throw new Failure(`${folder} is not a directory`)
    const namespace = await context.namespace()
    const text = manifestsOf(await render(requestOf(flags, namespace)), { namespace, secrets: true })
    if (folder === '') {
      out.write(text)
      return
    }
    const path = join(folder, 'capstan.yaml')
    err.write(`writing ${path}\n`)
    // Secrets are in it
    writeFileSync(path, text, { mode: 0o600 })
  }
}

function requestOf(flags: VerbContext['flags'], namespace: string): InstallRequest {
  const paths = [...flags.list('git-paths'), ...flags.list('git-path')]
  const given: Record<string, unknown> = {
    'git.url': flags.text('git-url'),
    'git.branch': flags.text('git-branch'),
    'git.path': paths.length > 0 ? paths : undefined,
    'git.label': flags.text('git-label'),
    'git.user': flags.text('git-user'),
    'git.email': flags.text('git-email'),
    'git.readonly': flags.on('git-readonly') || undefined,
    manifestGeneration: flags.on('manifest-generation') || undefined,
    'registry.disableScanning': flags.on('registry-disable-scanning') || undefined,
  }
  const values = Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, JSON.stringify(value)]])),
  )
  return { namespace, valuesFiles: [], values, set: [], helmBinary: 'helm' }
}
