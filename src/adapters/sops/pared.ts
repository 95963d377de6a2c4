import { AppError } from '../../domain/error.ts'

/** Which keys somebody has. */
export type HeldKinds = { age: boolean; pgp: boolean }

/** What sops writes beside the keys. */
const facts = new Set([
  'lastmodified',
  'mac',
  'mac_only_encrypted',
  'version',
  'encrypted_suffix',
  'unencrypted_suffix',
  'encrypted_regex',
  'unencrypted_regex',
  'encrypted_comment_regex',
  'unencrypted_comment_regex',
])
/** YAML 1.1 knows more ends of lines than one sees. */
const lineEnd = /\r\n|[\n\r\u0085\u2028\u2029]/

/**
 * The file without the keys of its metadata that are not at hand, so that sops asks no key service: a file of a stranger would name
 * one, and the pod's own identity would answer for it. The seal does not cover the metadata. Only metadata as sops writes it is read,
 * line by line, so that no trick of YAML hides a key: every line that begins a key of the file, or of its metadata, must be seen to
 * be one. Without metadata the answer is undefined. Throws DecryptFailed, with nothing of the file in it.
 */
export function paredFile(path: string, bytes: Uint8Array, held: HeldKinds): Uint8Array | undefined {
  const kept: string[] = []
  const reader: Reader = {
    state: 'start',
    indent: '',
    isKept: true,
    isList: false,
    found: new Set(),
    hasMetadata: false,
  }
  for (const line of decode(path, bytes).split(lineEnd)) {
    const why = /^[ \t]*(?:#|$)/.test(line) ? undefined : readLine(line, reader, held)
    if (why) throw refused(path, why)
    if (reader.isKept) kept.push(line)
  }
  if (!reader.hasMetadata) return undefined
  if (!reader.found.has('age') && !reader.found.has('pgp')) throw refused(path, whyNoKey(reader.found))
  return new TextEncoder().encode(kept.join('\n'))
}

/** `start`: before the first key of a document; `metadata`: below `sops:`. */
type State = 'start' | 'file' | 'metadata'
type Reader = {
  state: State
  /** Of the keys of the metadata, once the first was seen. */
  indent: string
  isKept: boolean
  /** Whether a list of keys is open. */
  isList: boolean
  /** Kinds of keys that the metadata names and that are at hand, and with a minus those that are not. */
  found: Set<string>
  hasMetadata: boolean
}

const notAsWritten = 'its form is not that in which sops writes files; encrypt it again with sops'

/** Moves the reader over one line that is neither empty nor a comment; says what is wrong with it. */
function readLine(line: string, reader: Reader, held: HeldKinds): string | undefined {
  if (!line.startsWith(' ') && !line.startsWith('\t')) return readTop(line, reader)
  if (reader.state === 'start') return notAsWritten
  return reader.state === 'metadata' ? readMetadata(line, reader, held) : undefined
}

function readTop(line: string, reader: Reader): string | undefined {
  const before = reader.state
  reader.isKept = true
  reader.state = 'file'
  if (/^---[ \t]*(?:#.*)?$/.test(line)) reader.state = 'start'
  else if (line.startsWith('- ')) return before === 'metadata' ? notAsWritten : undefined
  else if (line.startsWith('sops:')) {
    if (!/^sops: *$/.test(line)) return notAsWritten
    Object.assign(reader, { state: 'metadata', indent: '', hasMetadata: true })
  } else if (!/^[A-Za-z_][\w./-]*:(?: |$)/.test(line)) return notAsWritten
  return undefined
}

/** A value that ends on its line whatever follows: plain, in quotes, or none. */
const wholeValue = /^(?:[A-Za-z0-9^.(\\/_+][^#]*|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\[\]|~)? *$/
/** What stands below `age:` and `pgp:`: fields of a key, and the armored text of one. */
const belowKeys =
  /^(?:- +)?(?:(?:recipient|enc|fp|created_at): *(?:\|[-+]?|[\w:.+-]*|"[\w:.+-]*"|'[\w:.+-]*') *|[\w+/=:. -]+)$/

function readMetadata(line: string, reader: Reader, held: HeldKinds): string | undefined {
  const [indent = ''] = /^ */.exec(line) ?? []
  if (reader.indent === '') reader.indent = indent
  if (line[indent.length] === '\t' || indent.length < reader.indent.length) return notAsWritten
  const rest = line.slice(indent.length)
  // a list may stand as deep as its key
  const isBelow = indent.length > reader.indent.length || /^-(?: |$)/.test(rest)
  if (!isBelow) return readKey(rest, reader, held)
  return !reader.isKept || (reader.isList && belowKeys.test(rest)) ? undefined : notAsWritten
}

function readKey(text: string, reader: Reader, held: HeldKinds): string | undefined {
  const [, key = '', value = ''] = /^([a-z_]+):(?: +(.*))?$/.exec(text) ?? []
  if (key === '') return notAsWritten
  const isFact = facts.has(key)
  const isHeld = (key === 'age' || key === 'pgp') && held[key]
  reader.isKept = isHeld || isFact
  reader.isList = isHeld && value === ''
  if (!isFact && !/^(?:\[\]|null|~) *$/.test(value)) {
    if (key === 'key_groups') return 'it is encrypted for groups of keys, which Capstan opens with its own keys only'
    reader.found.add(isHeld ? key : `-${key}`)
  }
  return reader.isKept && !wholeValue.test(value) ? notAsWritten : undefined
}

function whyNoKey(found: ReadonlySet<string>): string {
  const kinds = [...found].map((kind) => kind.slice(1)).filter((kind) => /^[a-z_]{1,24}$/.test(kind))
  const named = kinds.length > 0 ? `it is encrypted for ${kinds.join(', ')} only` : 'its metadata names no key'
  return `${named}, and the Secret of this source has no such key. Give it one, or encrypt the file for a key that it has; key services are asked with keys of Capstan only`
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw refused(path, 'it is not valid UTF-8')
  }
}

function refused(path: string, why: string): AppError {
  return new AppError('DecryptFailed', `${path} cannot be decrypted: ${why}.`, { details: { file: path } })
}
