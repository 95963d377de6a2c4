import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readTar, type TarFile, writeTar } from '../../src/lib/tar.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const long = `${'very-long-folder-name/'.repeat(12)}ümlaut.yaml`
const files: TarFile[] = [
  { path: 'a.yaml', bytes: utf8('a: 1\n') },
  { path: 'empty.yaml', bytes: utf8('') },
  { path: 'deep/er/b.yaml', bytes: utf8('b'.repeat(2000)) },
  { path: long, bytes: utf8('long') },
]

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'capstan-tar-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

function put(root: string, { path, bytes }: TarFile): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), bytes)
}

function plain(read: ReturnType<typeof readTar>): unknown {
  if ('problem' in read) return read
  return textsOf(read.files)
}

function textsOf(list: readonly TarFile[]): Record<string, string> {
  return Object.fromEntries(list.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]))
}

describe('the tar of this machine', () => {
  it('of ours is read by tar', () => {
    const root = folder()
    writeFileSync(join(root, 'x.tar'), writeTar(files))
    execFileSync('tar', ['-xf', 'x.tar'], { cwd: root })
    for (const { path, bytes } of files) expect(readFileSync(join(root, path))).toEqual(Buffer.from(bytes))
  })

  it.each(['gnu', 'pax', 'ustar'])('of tar in the %s format is read', (format) => {
    const root = folder()
    const sent = files.filter(({ path }) => format !== 'ustar' || path !== long)
    for (const file of sent) put(join(root, 'in'), file)
    const archive = execFileSync('tar', [`--format=${format}`, '-C', join(root, 'in'), '-cf', '-', '.'])
    expect(plain(readTar(archive))).toEqual(textsOf(sent))
  })

  it('with a link is refused, whatever else is in it', () => {
    const root = folder()
    put(root, { path: 'a.yaml', bytes: utf8('a') })
    symlinkSync('/etc/passwd', join(root, 'b.yaml'))
    const archive = execFileSync('tar', ['-C', root, '-cf', '-', 'a.yaml', 'b.yaml'])
    expect(readTar(archive)).toEqual({ problem: '"b.yaml" is not a regular file' })
  })
})
