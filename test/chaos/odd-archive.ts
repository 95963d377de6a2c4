import { gzipSync } from 'node:zlib'
import { Header, Pax } from 'tar'
import type { Random } from './random.ts'

type Type =
  | 'File'
  | 'Directory'
  | 'SymbolicLink'
  | 'Link'
  | 'CharacterDevice'
  | 'BlockDevice'
  | 'FIFO'
  | 'NextFileHasLongPath'

type Entry = { path: string; content?: Buffer; type?: Type; linkpath?: string; mode?: number; size?: number }

const block = 512
const end = Buffer.alloc(2 * block)

/** One entry as it stands in a tar, also such as no tool would write. `size` lies about the content. */
function entry({ path, content = Buffer.alloc(0), type = 'File', linkpath, mode = 0o644, size }: Entry): Buffer {
  const header = new Header({
    path,
    type,
    mode,
    size: size ?? content.length,
    mtime: new Date(0),
    ...(linkpath ? { linkpath } : {}),
  })
  const head = Buffer.alloc(block)
  header.encode(head, 0)
  return Buffer.concat([head, content, Buffer.alloc((block - (content.length % block)) % block)])
}

/** What comes before an entry to give it another path or link than its own header says. */
function override(fields: { path?: string; linkpath?: string }): Buffer {
  return new Pax({ ...fields, mtime: new Date(0) }).encode()
}

const chartYaml = entry({
  path: 'demo/Chart.yaml',
  content: Buffer.from('apiVersion: v2\nname: demo\nversion: 1.0.0\n'),
})
const tgz = (...entries: Buffer[]) => gzipSync(Buffer.concat([chartYaml, ...entries, end]), { level: 1 })

/** A chart as it should be, but for the rights that its files ask for. */
export function goodArchive(random: Random): Buffer {
  const mode = random.pick([0o4755, 0o2777, 0o7777, 0o000, 0o666])
  return tgz(entry({ path: 'demo/values.yaml', content: Buffer.from('a: b\n'), mode }))
}

/** One kind of archive that must be refused, and how one of them is made. `outside` is a folder that nothing may be written to. */
type Family = { name: string; make(random: Random, outside: string): Buffer }

const text = Buffer.from('written: outside\n')
const climb = (random: Random) => '../'.repeat(random.between(1, 12))
const megabyte = 1024 * 1024

/** A path that would end outside, in one of the ways that systems know. */
function pathOut(random: Random, outside: string): string {
  const name = `${outside}/written-${random.between(0, 1e6)}`
  return random.pick([
    `demo/${climb(random)}${name.slice(1)}`,
    name,
    `/${name}`,
    `demo/a/../../${climb(random)}${name.slice(1)}`,
    `demo/./../x/${climb(random)}b`,
    `demo\\..\\..\\written`,
    `../demo/written`,
    `demo/..`,
    `C:\\written`,
  ])
}

function randomBytes(random: Random, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at)
  return bytes
}

/** Members of gzip, one after another, are one stream to whoever reads it. */
function manyMembers(first: Buffer, count: number): Buffer {
  const zeros = gzipSync(Buffer.alloc(megabyte))
  return Buffer.concat([gzipSync(first), ...Array.from({ length: count }, () => zeros)])
}

/** An archive with some of its bytes changed or its end cut off, where that leaves no archive. */
function damage(random: Random): Buffer {
  const whole = tgz(entry({ path: 'demo/big', content: randomBytes(random, 64 * 1024) }))
  const cut = random.between(1, whole.length - block)
  return random.pick([
    () => whole.subarray(0, cut),
    () => Buffer.concat([whole.subarray(0, cut), Buffer.alloc(block), whole.subarray(cut + block)]),
    () => randomBytes(random, 2048),
    () => Buffer.from(`PK\u0003\u0004${'x'.repeat(random.between(0, 4000))}`),
    () => Buffer.alloc(0),
    () => gzipSync(randomBytes(random, 4096)),
  ])()
}

/** Every kind, so that a run that is long enough tries each of them. */
export const families: readonly Family[] = [
  {
    name: 'a path that leads out',
    make: (random, outside) => tgz(entry({ path: pathOut(random, outside), content: text })),
  },
  {
    name: 'a path that leads out by an extended header',
    make: (random, outside) =>
      tgz(override({ path: pathOut(random, outside) }), entry({ path: 'demo/honest', content: text })),
  },
  {
    name: 'a path that leads out by a long name of GNU',
    make(random, outside) {
      const long = Buffer.from(`${pathOut(random, outside)}\0`)
      return tgz(
        entry({ path: '././@LongLink', type: 'NextFileHasLongPath', content: long }),
        entry({ path: 'demo/honest', content: text }),
      )
    },
  },
  {
    name: 'a symbolic link, and a file through it',
    make(random, outside) {
      const linkpath = random.pick([outside, `${climb(random)}${outside.slice(1)}`, '..', '/proc/self/cwd', '.'])
      return tgz(
        entry({ path: 'demo/link', type: 'SymbolicLink', linkpath }),
        entry({ path: 'demo/link/written', content: text }),
      )
    },
  },
  {
    name: 'a hard link',
    make(random, outside) {
      const linkpath = random.pick([`${outside}/file`, `${climb(random)}etc/passwd`, 'demo/Chart.yaml', '/etc/passwd'])
      const more = random.next() < 0.5 ? [] : [override({ linkpath })]
      return tgz(...more, entry({ path: 'demo/values.yaml', type: 'Link', linkpath }))
    },
  },
  {
    name: 'a device or a pipe',
    make(random) {
      const type = random.pick<Type>(['CharacterDevice', 'BlockDevice', 'FIFO'])
      return tgz(entry({ path: random.pick(['demo/values.yaml', 'demo/templates/a.yaml']), type }))
    },
  },
  {
    name: 'a file of almost nothing that is large',
    make: (random) => tgz(entry({ path: 'demo/a', content: Buffer.alloc(random.between(8, 45) * megabyte) })),
  },
  {
    name: 'many members of gzip that are gigabytes together',
    make: (random) => manyMembers(chartYaml, random.between(1_000, 8_000)),
  },
  {
    name: 'more packed bytes than are allowed',
    make: (random) => Buffer.concat([goodArchive(random), Buffer.alloc(random.between(11, 30) * megabyte, 'x')]),
  },
  {
    name: 'more files than are allowed',
    make(random) {
      const type = random.pick<Type>(['File', 'Directory'])
      const count = random.between(10_001, 20_000)
      return tgz(...Array.from({ length: count }, (_, n) => entry({ path: `demo/${n}`, type })))
    },
  },
  {
    name: 'one name twice',
    make(random) {
      const [one, other] = random.pick([
        ['demo/a', 'demo/a'],
        ['demo/a', 'demo/./a'],
        ['demo/a', 'demo//a'],
        ['demo/a', 'demo/a/b'],
        ['demo/a/b', 'demo/a'],
        ['demo/Chart.yaml', 'demo/templates/x'],
      ] as const)
      return tgz(entry({ path: one, content: text }), entry({ path: other, content: text }), entry({ path: one }))
    },
  },
  {
    name: 'names beside the top folder',
    make: (random) =>
      tgz(entry({ path: random.pick(['other/x', 'x', 'demo2/Chart.yaml', '.hidden/x', 'DEMO/x']), content: text })),
  },
  {
    name: 'no Chart.yaml',
    make: (random) =>
      gzipSync(Buffer.concat([entry({ path: random.pick(['demo/x', 'demo/chart.yaml', 'Chart.yaml']) }), end])),
  },
  {
    name: 'a size that is not so',
    make: (random) =>
      tgz(entry({ path: 'demo/a', content: text, size: random.pick([2 ** 33, 2 ** 40, 1e6, 2 ** 31]) })),
  },
  {
    name: 'a name that is too long',
    make(random) {
      const path = random.pick([`demo/${'x'.repeat(random.between(1001, 70_000))}`, `demo/${'a/'.repeat(600)}b`])
      return tgz(override({ path }), entry({ path: 'demo/honest', content: text }))
    },
  },
  { name: 'bytes that are no archive', make: damage },
]
