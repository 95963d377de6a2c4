import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { hasPostHooks } from './post-hooks.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function chart(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-hooks-'))
  folders.push(folder)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

it.each<[string, Record<string, string>, boolean]>([
  ['no hooks', { 'Chart.yaml': 'name: a', 'templates/a.yaml': 'kind: ConfigMap' }, false],
  ['a hook before', { 'templates/a.yaml': 'helm.sh/hook: pre-install,pre-upgrade' }, false],
  ['a test', { 'templates/tests/a.yaml': '"helm.sh/hook": test' }, false],
  ['a hook after', { 'templates/a.yaml': 'helm.sh/hook: pre-install,post-upgrade' }, true],
  ['a hook after in a subchart', { 'charts/b/templates/a.yaml': '"helm.sh/hook": "post-install"' }, true],
  ['a packed subchart', { 'charts/b-1.0.0.tgz': '' }, true],
  ['words in a README', { 'README.md': 'helm.sh/hook: post-install' }, false],
])('a chart with %s', async (_name, files, expected) => {
  expect(await hasPostHooks(chart(files))).toBe(expected)
})
