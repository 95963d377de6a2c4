import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { stack } from '../stack/stack.ts'
import { kubectl } from './chart.ts'
import { root } from './dockerfile.ts'

const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
)
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')
const blocks = (page: string, kind: string): string[] =>
  [...textOf(page).matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text)

/** Lines for the CLI as people type them, without comments. `run`, `check` and `install` are tried elsewhere. */
const lines = pages
  .flatMap((page) => blocks(page, 'sh').flatMap((text) => text.replaceAll('\\\n', ' ').split('\n')))
  .map((line) =>
    line
      .replace(/^npx /, '')
      .replace(/\s+#\s.*$/, '')
      .replace(/ [<|>] .*$/, ''),
  )
  .filter((line) => /^capstan (?!run|check|install|eject|migrate)/.test(line) && !/\b[A-Z]{3,}\b/.test(line))

const objects = pages.flatMap((page) =>
  blocks(page, 'yaml').flatMap((text) =>
    parseAllDocuments(text)
      .map((document) => document.toJS() as { kind?: string; apiVersion?: string; metadata?: { name?: string } })
      .filter((one) => ['Source', 'HelmRelease'].includes(one?.kind ?? '') && one.metadata?.name !== undefined)
      .map((one) => [`${page}: ${one.kind} ${one.metadata?.name}`, one] as const),
  ),
)

beforeAll(async () => {
  for (const name of ['source', 'helmrelease'])
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(root, `charts/capstan/crds/${name}.yaml`)])
})

describe('the guide', () => {
  it.each(pages)('%s leads only to files that are there', (page) => {
    for (const [, target = ''] of textOf(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      expect(existsSync(join(dirname(join(root, page)), target)), target).toBe(true)
  })

  it('has commands and objects', () => {
    expect(lines.length).toBeGreaterThan(20)
    expect(objects.length).toBeGreaterThan(2)
  })

  it.each([...new Set(lines)])('understands `%s`', async (line) => {
    const words = line.replace(/^capstan/, `'${process.execPath}' '${join(root, 'bin/capstan.mjs')}'`)
    const env = { PATH: process.env.PATH ?? '', CAPSTAN_URL: 'http://127.0.0.1:1', CAPSTAN_TOKEN: 'x', NO_COLOR: '1' }
    const { code, stderr } = await promisify(execFile)('bash', ['-c', `${words} <<< 1.0.0`], {
      env,
      cwd: stack().binDir,
    }).then(
      () => ({ code: 0, stderr: '' }),
      (error: { code: number; stderr: string }) => error,
    )
    // 6: the server is not reached; 0, 4: it needs none. Anything else is a line that is not understood.
    expect([0, 4, 6], stderr).toContain(code)
  })

  it.each(objects)('%s is taken by the API server', async (_name, object) => {
    const one = { ...object, metadata: { ...object.metadata, namespace: 'default' } }
    await kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(one))
  })
})
