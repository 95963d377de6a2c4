import { createHash } from 'node:crypto'
import { chmodSync, createWriteStream, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar'
import type { OfficialFile } from './table.ts'

/** Asked once to learn whether release files can be reached at all from here. */
const probeUrl = 'https://dl.k8s.io/'
const probeMs = 5_000
const downloadMs = 15 * 60_000

/** The address to use for a release file: `mirror` (a base URL) in place of its host, the path kept. */
export function mirrored(url: string, mirror: string | undefined): string {
  return mirror ? `${mirror.replace(/\/+$/, '')}${new URL(url).pathname}` : url
}

/** Undefined when release files can be reached, else why not. Takes 5 s at most. */
export async function probeOfficial(mirror: string | undefined): Promise<string | undefined> {
  const url = mirrored(probeUrl, mirror)
  try {
    const response = await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(probeMs) })
    return response.status < 500 ? undefined : `${url} answers ${response.status}`
  } catch (error) {
    return `${url} cannot be reached (${causeOf(error)})`
  }
}

/** The published sum of a file in a text that holds it alone or in a list. Undefined when it is not there. */
export function findSum(text: string, file: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/))
  const named = lines.find(([, name]) => name && basename(name.replace(/^\*/, '')) === file)
  const alone = lines.find(([sum, name]) => name === undefined && isSum(sum))
  const sum = (named ?? alone)?.[0]
  return isSum(sum) ? sum?.toLowerCase() : undefined
}

/** Downloads a release file, checks it, and leaves the program as `folder/name`. Throws with the reason. */
export async function downloadOfficial(
  file: OfficialFile,
  target: { folder: string; name: string },
  options: { mirror?: string | undefined; signal?: AbortSignal | undefined },
): Promise<void> {
  const { mirror, signal } = options
  const name = basename(new URL(file.url).pathname)
  const sums = await get(mirrored(file.sums, mirror), signal)
  const published = findSum(await sums.text(), name)
  if (!published) throw new Error(`no SHA-256 of ${name} at ${mirrored(file.sums, mirror)}`)
  mkdirSync(target.folder, { recursive: true })
  const raw = join(target.folder, `${name}.download`)
  const response = await get(mirrored(file.url, mirror), signal)
  if (!response.body) throw new Error(`${mirrored(file.url, mirror)} is empty`)
  const hash = createHash('sha256')
  await pipeline(
    Readable.fromWeb(response.body),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        yield chunk
      }
    },
    createWriteStream(raw),
  )
  const sum = hash.digest('hex')
  if (sum !== published) {
    rmSync(raw)
    throw new Error(`${name} has SHA-256 ${sum}, published is ${published}: not used`)
  }
  await unpack(raw, file.member, join(target.folder, target.name))
}

async function unpack(raw: string, member: string | undefined, program: string): Promise<void> {
  if (member) {
    const folder = `${raw}.unpacked`
    mkdirSync(folder)
    await extract({ file: raw, cwd: folder }, [member])
    renameSync(join(folder, member), program)
    rmSync(folder, { recursive: true })
    rmSync(raw)
  } else {
    renameSync(raw, program)
  }
  chmodSync(program, 0o755)
}

async function get(url: string, signal: AbortSignal | undefined): Promise<Response> {
  const timeout = AbortSignal.timeout(downloadMs)
  const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout }).catch(
    (error: unknown) => {
      throw new Error(`${url}: ${causeOf(error)}`)
    },
  )
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`)
  return response
}

function isSum(text: string | undefined): boolean {
  return text !== undefined && /^[0-9a-f]{64}$/i.test(text)
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
