import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type InstallOptions, installTools } from '../../playground/tools/install.ts'
import { type Tool, tools } from '../../playground/tools/table.ts'
import { type Mirror, sha256, startMirror } from './mirror.ts'

/** Programs that nobody has on PATH, so that the other ways are taken. */
const helm: Tool = { ...tools.helm, commands: ['capstan-test-no-such-helm'], ways: ['path', 'official'] }
const kwok: Tool = { ...tools.kwok, commands: ['capstan-test-no-such-kwok'], ways: ['path', 'official'] }
const program = Buffer.from('#!/bin/sh\necho v3.22.0\n')

let folder: string
let mirror: Mirror
let lines: string[]
let options: InstallOptions

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'capstan-tools-'))
  mirror = await startMirror()
  lines = []
  const env = { CAPSTAN_CACHE: folder, CAPSTAN_TOOLS_MIRROR: mirror.url }
  options = { report: (line) => lines.push(line), env }
})
afterEach(async () => {
  await mirror.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Puts helm's archive and its sum on the mirror, as get.helm.sh has them. */
function publishHelm(sumOf = (archive: Buffer) => sha256(archive)): void {
  const work = join(folder, 'archive')
  mkdirSync(join(work, 'linux-amd64'), { recursive: true })
  writeFileSync(join(work, 'linux-amd64', 'helm'), program)
  chmodSync(join(work, 'linux-amd64', 'helm'), 0o755)
  const archive = execFileSync('tar', ['-cz', '-C', work, 'linux-amd64'])
  const name = 'helm-v3.22.0-linux-amd64.tar.gz'
  mirror.files.set(`/${name}`, archive)
  mirror.files.set(`/${name}.sha256sum`, Buffer.from(`${sumOf(archive)}  ${name}\n`))
}

const onLinux = process.platform === 'linux' && process.arch === 'x64'

describe.runIf(onLinux)('tools from official release files', () => {
  it('downloads, checks, unpacks and keeps the program', async () => {
    publishHelm()
    const { found, missing } = await installTools([helm], options)
    expect(missing).toEqual([])
    const path = join(folder, 'tools', 'helm-3.22.0', 'helm')
    expect(found.get('helm')).toEqual({ path, version: '3.22.0', from: 'official' })
    expect(readFileSync(path)).toEqual(program)
    expect(statSync(path).mode & 0o111).toBe(0o111)
    expect(lines.at(-1)).toMatch(/^helm: 3\.22\.0 is ready/)
  })

  it('does not ask again for what the cache has', async () => {
    publishHelm()
    await installTools([helm], options)
    mirror.asked.length = 0
    const { found } = await installTools([helm], options)
    expect(found.get('helm')?.from).toBe('cache')
    expect(mirror.asked).toEqual([])
  })

  it('uses no file whose sum is not the published one, and leaves nothing of it', async () => {
    publishHelm(() => 'f'.repeat(64))
    const { found, missing } = await installTools([helm], options)
    expect(found.size).toBe(0)
    expect(missing[0]?.reasons.at(-1)?.reason).toMatch(/has SHA-256 [0-9a-f]{64}, published is f{64}: not used/)
    expect(readdirSync(join(folder, 'tools'))).toEqual([])
  })

  it('uses no file that has no published sum', async () => {
    const base = '/kubernetes-sigs/kwok/releases/download/v0.8.0'
    mirror.files.set(`${base}/kwok-linux-amd64`, program)
    mirror.files.set(`${base}/checksums.txt`, Buffer.from(`${sha256(program)}  kwokctl-linux-amd64\n`))
    const { missing } = await installTools([kwok], options)
    expect(missing[0]?.reasons.at(-1)?.reason).toContain('no SHA-256 of kwok-linux-amd64')
  })

  it('goes on with the next tool and the next way when one fails, and keeps the reasons', async () => {
    publishHelm()
    const { found, missing } = await installTools([{ ...kwok, ways: ['path', 'official', 'apt'] }, helm], options)
    expect([...found.keys()]).toEqual(['helm'])
    expect(missing.map(({ tool, reasons }) => [tool.name, reasons.map(({ way }) => way)])).toEqual([
      ['kwok', ['path', 'official', 'apt']],
    ])
  })

  it('asks once whether release files can be reached at all, and gives up soon when not', async () => {
    await mirror.stop()
    const { missing } = await installTools([helm, kwok], options)
    expect(missing).toHaveLength(2)
    expect(lines.filter((line) => line.includes('cannot be reached'))).toHaveLength(1)
  })

  it('lets one of two starts at the same time install, and the other wait for it', async () => {
    publishHelm()
    const [a, b] = await Promise.all([installTools([helm], options), installTools([helm], options)])
    expect(new Set([a.found.get('helm')?.from, b.found.get('helm')?.from])).toEqual(new Set(['cache', 'official']))
    expect(mirror.asked.filter((path) => path.endsWith('.tar.gz'))).toHaveLength(1)
    expect(existsSync(join(folder, 'tools', 'install.lock'))).toBe(false)
  })
})

describe('tools on PATH', () => {
  let path: string | undefined

  beforeEach(() => {
    path = process.env.PATH
    process.env.PATH = `${folder}:${path}`
  })
  afterEach(() => {
    process.env.PATH = path
  })

  function put(name: string, prints: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\necho '${prints}'\n`, { mode: 0o755 })
  }

  it('takes one in a fitting version', async () => {
    put('capstan-test-kubectl', 'Client Version: v1.36.1')
    const tool: Tool = { ...tools.kubectl, commands: ['capstan-test-kubectl'] }
    const { found } = await installTools([tool], options)
    expect(found.get('kubectl')).toEqual({
      path: join(folder, 'capstan-test-kubectl'),
      version: '1.36.1',
      from: 'path',
    })
  })

  it('passes over one in another version, and says which', async () => {
    put('capstan-test-kubectl', 'Client Version: v1.32.4-dispatcher')
    const tool: Tool = { ...tools.kubectl, commands: ['capstan-test-kubectl'], ways: ['path'] }
    const { missing } = await installTools([tool], options)
    expect(missing[0]?.reasons[0]?.reason).toContain(
      'capstan-test-kubectl is 1.32.4-dispatcher; wanted is 1.35.0 or newer',
    )
  })
})
