import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { contextNamespace } from './context-namespace.ts'

const folder = mkdtempSync(join(tmpdir(), 'context-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function kubeconfig(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const withContext = (context: string) => `apiVersion: v1
kind: Config
current-context: a
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: u, user: {}}]
contexts:
- {name: a, context: ${context}}
- {name: b, context: {cluster: c, user: u, namespace: other}}
`

describe('the namespace of the current context', () => {
  it.each([
    ['is read', withContext('{cluster: c, user: u, namespace: team}'), 'team'],
    ['is none when the context has none', withContext('{cluster: c, user: u}'), ''],
    ['is none without contexts', 'apiVersion: v1\nkind: Config\n', ''],
    ['is none in a file that cannot be read', 'clusters: [', ''],
  ])('%s', (name, text, expected) => {
    expect(contextNamespace({ kubeconfig: kubeconfig(name, text) })).toBe(expected)
  })

  it('is that of another context where one is named', () => {
    const file = kubeconfig('two', withContext('{cluster: c, user: u, namespace: team}'))
    expect(contextNamespace({ kubeconfig: file, context: 'b' })).toBe('other')
    expect(contextNamespace({ kubeconfig: file, context: 'none' })).toBe('')
  })

  it('is none without a file', () => {
    expect(contextNamespace({ kubeconfig: join(folder, 'nope') })).toBe('')
  })
})
