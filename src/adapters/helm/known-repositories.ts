import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { AppError } from '../../domain/error.ts'
import {
  accessOf,
  accessSecrets,
  type ChartAccess,
  entryFor,
  parseRepositories,
  type RepositoryEntry,
} from '../../domain/release/chart-access.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Redactor } from '../../lib/redactor.ts'
import type { KnownRepositories } from './charts.ts'
import { createRecent } from './recent.ts'
import { hidden } from './repositories.ts'

/** The files are read again after this time: a mounted Secret may change. */
const readForMs = 5_000

type Known = RepositoryEntry & { folder: string }

/**
 * The repositories of the operator's `repositories.yaml` files (helm-operator §6.2). Of two entries with one name the first counts. A
 * file that cannot be read is a warning, and what it said before still counts. The certificates that an entry names are files of this
 * machine, relative ones beside it.
 */
export function createKnownRepositories(options: {
  files: readonly string[]
  log: Pick<Logger, 'warn'>
  redactor: Pick<Redactor, 'register'>
  now: () => number
}): KnownRepositories {
  const { files, log, redactor, now } = options
  const recent = createRecent<Known[]>({ forMs: readForMs, most: 1, now })
  const last = new Map<string, Known[]>()
  const complained = new Set<string>()

  function complain(file: string, why: string): void {
    const line = `${file} cannot be imported: ${why}`
    if (!complained.has(line)) log.warn({ file }, line)
    complained.add(line)
  }

  async function readOne(file: string): Promise<Known[]> {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      complain(file, (error as { code?: string }).code ?? 'it cannot be read')
    })
    if (text === undefined) return last.get(file) ?? []
    const entries = parseRepositories(text)
    if (!entries) complain(file, 'it has no list of repositories')
    const known = (entries ?? []).map((entry) => ({ ...entry, folder: dirname(file) }))
    redactor.register(known.map(({ password }) => password).filter((password) => password !== ''))
    last.set(file, known)
    return known
  }

  async function readAll(): Promise<Known[]> {
    const all = (await Promise.all(files.map(readOne))).flat()
    return all.filter(({ name }, index) => name === '' || all.findIndex((other) => other.name === name) === index)
  }

  return {
    async access(url) {
      if (files.length === 0) return undefined
      const entry = entryFor(await recent.get('', readAll), url)
      if (!entry) return undefined
      const access = await accessOfEntry(entry)
      redactor.register(accessSecrets(access))
      return access
    },
    async named(name) {
      return (await recent.get('', readAll)).find((entry) => entry.name === name)?.url
    },
  }
}

async function accessOfEntry({ folder, url, everywhere, ...entry }: Known): Promise<ChartAccess> {
  const read = async (file: string) => (file === '' ? '' : await readFile(resolve(folder, file), 'utf8'))
  const [ca, cert, key] = await Promise.all([entry.caFile, entry.certFile, entry.keyFile].map(read)).catch(
    (error: unknown) => {
      const message = `a certificate that the imported repositories.yaml names for ${hidden(url)} cannot be read`
      throw new AppError('ChartAuthFailed', message, { cause: error })
    },
  )
  const access = accessOf({ ...entry, ca: ca ?? '', cert: cert ?? '', key: key ?? '' })
  if (typeof access === 'string')
    throw new AppError('ChartAuthFailed', `the imported repositories.yaml is wrong about ${hidden(url)}: ${access}`)
  return { ...access, everywhere }
}
