/** One regular file of an archive. */
export type TarFile = { path: string; bytes: Uint8Array }

const block = 512
const mostFiles = 50_000

/**
 * The regular files of a tar archive (POSIX ustar, pax and GNU long names). Folders are passed over. Anything else in it (links,
 * devices), a path that is absolute or leaves the archive, a file that stands in it twice, or a damaged archive is a problem and
 * nothing is read: the archive may come from anybody.
 */
export function readTar(archive: Uint8Array): { files: TarFile[] } | { problem: string } {
  const files = new Map<string, TarFile>()
  let longPath = ''
  for (let offset = 0; ; ) {
    const header = readHeader(archive, offset)
    if ('problem' in header) return header.problem === '' ? { files: [...files.values()] } : header
    const { type, size } = header
    const bytes = archive.subarray(offset + block, offset + block + size)
    if (bytes.length < size) return { problem: 'the archive is cut off' }
    offset += block + Math.ceil(size / block) * block
    if (type === 'x' || type === 'L') {
      longPath = type === 'x' ? (paxPath(bytes) ?? longPath) : textOf(bytes)
      continue
    }
    const path = (longPath || header.path).replace(/^(?:\.\/)+/, '')
    longPath = ''
    if (type === 'g' || type === '5') continue
    const problem = problemOf(type, path, files)
    if (problem) return { problem }
    files.set(path, { path, bytes })
  }
}

/** A tar archive of these files, readable by every tar. */
export function writeTar(files: readonly TarFile[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const { path, bytes } of files) {
    const name = new TextEncoder().encode(path)
    if (name.length > 100) {
      const record = paxRecord(path)
      parts.push(headerOf('pax', record.length, 'x'), padded(record))
    }
    parts.push(headerOf(path, bytes.length, '0'), padded(bytes))
  }
  parts.push(new Uint8Array(2 * block))
  const archive = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    archive.set(part, offset)
    offset += part.length
  }
  return archive
}

/** `problem` is empty at the end of the archive. */
type Stop = { problem: string }
type Header = { path: string; size: number; type: string }

function readHeader(archive: Uint8Array, offset: number): Header | Stop {
  const bytes = archive.subarray(offset, offset + block)
  if (bytes.length < block) return { problem: 'the archive is cut off' }
  if (bytes.every((byte) => byte === 0)) return { problem: '' }
  const sum = Number.parseInt(textOf(bytes.subarray(148, 156)), 8)
  if (sum !== checksumOf(bytes)) return { problem: 'it is not a tar archive' }
  const size = textOf(bytes.subarray(124, 136)).trim()
  if (!/^[0-7]+$/.test(size)) return { problem: 'the archive says a size that cannot be read' }
  const prefix =
    textOf(bytes.subarray(257, 262)) === 'ustar' && bytes[262] === 0 ? textOf(bytes.subarray(345, 500)) : ''
  const name = textOf(bytes.subarray(0, 100))
  const type = String.fromCharCode(bytes[156] ?? 0)
  return {
    path: prefix ? `${prefix}/${name}` : name,
    size: Number.parseInt(size, 8),
    type: type === '\0' ? '0' : type,
  }
}

function problemOf(type: string, path: string, files: ReadonlyMap<string, TarFile>): string | undefined {
  const shown = JSON.stringify(path.slice(0, 200))
  if (type !== '0') return `${shown} is not a regular file`
  const parts = path.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..') || /[\0\\]/.test(path)) {
    return `${shown} is not a path inside the archive`
  }
  if (files.has(path)) return `${shown} stands in the archive twice`
  return files.size >= mostFiles ? `it holds more than ${mostFiles} files` : undefined
}

/** The sum of the header's bytes with its own field taken for blanks. */
function checksumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 32 : byte), 0)
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
}

/** `LENGTH path=VALUE\n` among records of that shape; the length counts bytes, its own digits included. */
function paxPath(bytes: Uint8Array): string | undefined {
  let path: string | undefined
  for (let offset = 0; offset < bytes.length; ) {
    const rest = bytes.subarray(offset)
    const length = Number.parseInt(new TextDecoder().decode(rest.subarray(0, 20)), 10)
    if (!(length > 0)) return path
    const [, key, value] = /^\d+ ([^=]+)=([^]*)\n$/.exec(new TextDecoder().decode(rest.subarray(0, length))) ?? []
    if (key === 'path') path = value
    offset += length
  }
  return path
}

function paxRecord(path: string): Uint8Array {
  const rest = new TextEncoder().encode(` path=${path}\n`)
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return new TextEncoder().encode(`${length} path=${path}\n`)
}

function headerOf(path: string, size: number, type: string): Uint8Array {
  const header = new Uint8Array(block)
  const put = (text: string, offset: number, length: number) =>
    header.set(new TextEncoder().encode(text).subarray(0, length), offset)
  put(path, 0, 100)
  put('0000644\0', 100, 8)
  put('0000000\0', 108, 8)
  put('0000000\0', 116, 8)
  put(`${size.toString(8).padStart(11, '0')}\0`, 124, 12)
  put('00000000000\0', 136, 12)
  put(type, 156, 1)
  put('ustar\0', 257, 6)
  put('00', 263, 2)
  put(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 8)
  return header
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / block) * block)
  whole.set(bytes)
  return whole
}
