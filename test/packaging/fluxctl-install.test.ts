import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { fluxctl } from '../../src/main/fluxctl.ts'
import { stack } from '../stack/stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'capstan-install-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function install(...args: string[]) {
  let [stdout, stderr] = ['', '']
  const out = { write: (text: string) => (stdout += text) }
  const err = { write: (text: string) => (stderr += text) }
  const env = { PATH: `${stack().binDir}${delimiter}${process.env.PATH ?? ''}`, HOME: folder }
  const program = fluxctl({ out, err, version: '9.9.9', signal: new AbortController().signal }, env)
  return { code: await program.run(['install', ...args]), stdout, stderr }
}

type Manifest = { kind: string; metadata: { name: string; namespace?: string }; spec?: unknown }
const manifestsOf = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((one) => (one.toJS() as Manifest | null) ?? [])

const given = ['--git-url', 'git@example.com:me/fleet', '--git-email', 'flux@example.com', '--namespace', 'flux']

describe('fluxctl install', () => {
  it('writes the manifests of Capstan, with what fluxctl was told', async () => {
    const { code, stdout, stderr } = await install(
      ...given,
      '--git-path=a,b',
      '--git-readonly',
      '--manifest-generation',
    )
    expect([code, stderr]).toEqual([0, ''])
    const manifests = manifestsOf(stdout)
    expect(manifests[0]).toMatchObject({ kind: 'Namespace', metadata: { name: 'flux' } })
    const text = JSON.stringify(manifests.filter(({ kind }) => kind === 'Deployment'))
    for (const flag of [
      '--git-url=git@example.com:me/fleet',
      '--git-branch=master',
      '--git-label=flux',
      '--git-readonly',
      '--manifest-generation',
    ])
      expect(text).toContain(flag)
    expect(text).toContain('--git-path=a,b')
    const writing = (await install(...given)).stdout
    for (const flag of ['--git-user=Flux', '--git-email=flux@example.com']) expect(writing).toContain(flag)
  })

  it('writes into a folder, for nobody else to read', async () => {
    const { code, stderr } = await install(...given, '-o', folder, '--registry-disable-scanning')
    const path = join(folder, 'capstan.yaml')
    expect([code, stderr]).toEqual([0, `writing ${path}\n`])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(manifestsOf(readFileSync(path, 'utf8')).length).toBeGreaterThan(5)
  })

  it.each([
    [['--git-email', 'a@b'], 'please supply a valid --git-url argument'],
    [['--git-url', 'a@b:c'], 'please supply a valid --git-email argument'],
    [[...given, '-o', '/nowhere/at/all'], 'stat /nowhere/at/all: no such file or directory'],
    [[...given, 'more'], 'expected no (non-flag) arguments'],
  ])('refuses %j', async (args, why) => {
    expect(await install(...args)).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: ${why}\nRun 'fluxctl install --help' for usage.\n`,
    })
  })
})
