import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { linesOf } from '../guide/lines.ts'
import { stack } from '../stack/stack.ts'
import { helm, kubectl } from './chart.ts'
import { root } from './dockerfile.ts'

const namespace = `capstan-docs-${randomBytes(4).toString('hex')}`
const text = readFileSync(join(root, 'docs/chart.md'), 'utf8')
const commands = linesOf('docs/chart.md').map((line) => line.text)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-docs-'))
  for (const name of ['charts', 'test']) await symlink(join(root, name), join(folder, name))
  const bin = join(folder, 'bin')
  await mkdir(bin)
  const program = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'bin/capstan.mjs')}' "$@"\n`
  await writeFile(join(bin, 'capstan'), program, { mode: 0o755 })
})

afterAll(async () => {
  await helm('uninstall', 'capstan', '--namespace', namespace, '--no-hooks', '--ignore-not-found')
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false'])
  await rm(folder, { recursive: true, force: true })
})

/** A line as somebody would type it, in a namespace of this test; kwok runs nothing, so hooks and waiting are left out. */
async function type(line: string): Promise<string> {
  const { binDir, kubeconfig } = stack()
  const here = line
    .replaceAll('capstan-system', namespace)
    .replace(/^helm install /, 'helm install --skip-crds ')
    .replace(/^helm uninstall /, 'helm uninstall --no-hooks ')
    .replace(/^capstan install /, `capstan install --namespace ${namespace} `)
    .replace(/^kubectl apply /, 'kubectl apply --force-conflicts ')
  const { stdout } = await promisify(execFile)('bash', ['-c', here], {
    cwd: folder,
    env: { PATH: `${join(folder, 'bin')}:${binDir}:/usr/bin:/bin`, KUBECONFIG: kubeconfig, HOME: folder },
    maxBuffer: 2 ** 24,
  })
  return stdout
}

describe('docs/chart.md', () => {
  it('has commands', () => expect(commands.length).toBeGreaterThan(12))

  it.each(commands.map((line) => [line]))('%s', async (line) => {
    const printed = await type(line)
    if (line.startsWith('helm template')) expect(printed).toContain('kind: Deployment')
  })

  it('names the alerts that there are', () => {
    const alerts = readFileSync(join(root, 'charts/capstan/files/alerts.yaml'), 'utf8')
    const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name = '']) => name)
    const told = [...text.matchAll(/\bCapstan[A-Z]\w+/g)].map(([name]) => name)
    expect([...new Set(told)].toSorted()).toEqual(names.toSorted())
  })
})
