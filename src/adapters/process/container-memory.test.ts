import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findContainerMemory } from './container-memory.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'capstan-cgroup-'))
})

afterEach(() => rmSync(root, { recursive: true }))

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

const noLimit = '9223372036854771712\n'

describe('the memory of our container', () => {
  it.each([
    [
      'cgroup v2, a namespace of its own',
      {
        'proc/self/cgroup': '0::/\n',
        'sys/fs/cgroup/memory.max': '1000000\n',
        'sys/fs/cgroup/memory.current': '900000\n',
        'sys/fs/cgroup/memory.stat':
          'anon 500000\nactive_file 100000\ninactive_file 200000\nslab_reclaimable 50000\nslab_unreclaimable 7\n',
      },
      { heldBytes: 550_000, limitBytes: 1_000_000 },
    ],
    [
      'cgroup v2, limited further out',
      {
        'proc/self/cgroup': '0::/pod/capstan\n',
        'sys/fs/cgroup/pod/capstan/memory.max': 'max\n',
        'sys/fs/cgroup/pod/capstan/memory.current': '1\n',
        'sys/fs/cgroup/pod/memory.max': '2000000\n',
        'sys/fs/cgroup/pod/memory.current': '300000\n',
        'sys/fs/cgroup/pod/memory.stat': 'anon 300000\n',
      },
      { heldBytes: 300_000, limitBytes: 2_000_000 },
    ],
    [
      "cgroup v1, by the host's path, which is not there",
      {
        'proc/self/cgroup': '5:cpu,cpuacct:/kubepods/x\n4:memory:/kubepods/x\n0::/kubepods/x\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '1000000\n',
        'sys/fs/cgroup/memory/memory.usage_in_bytes': '400000\n',
        'sys/fs/cgroup/memory/memory.stat': 'active_file 9\ntotal_active_file 100000\ntotal_inactive_file 50000\n',
      },
      { heldBytes: 250_000, limitBytes: 1_000_000 },
    ],
  ])('%s', (_, files, expected) => {
    write(files)
    expect(findContainerMemory(root)?.()).toEqual(expected)
  })

  it.each([
    ['no cgroups', {}],
    ['cgroup v2 without a limit', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': 'max\n' }],
    [
      'cgroup v1 without a limit',
      { 'proc/self/cgroup': '4:memory:/\n', 'sys/fs/cgroup/memory/memory.limit_in_bytes': noLimit },
    ],
  ])('%s: none', (_, files) => {
    write(files)
    expect(findContainerMemory(root)).toBeUndefined()
  })

  it('may be resized while we run, and may be gone', () => {
    write({
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/memory.max': '1000000\n',
      'sys/fs/cgroup/memory.current': '5\n',
    })
    const look = findContainerMemory(root)
    write({ 'sys/fs/cgroup/memory.max': '2000000\n' })
    expect(look?.()).toEqual({ heldBytes: 5, limitBytes: 2_000_000 })
    rmSync(join(root, 'sys/fs/cgroup/memory.current'))
    expect(look?.()).toBeUndefined()
  })
})
