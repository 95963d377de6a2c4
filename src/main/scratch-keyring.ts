import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyring } from '../adapters/gpg/index.ts'
import { AppError } from '../domain/error.ts'
import type { OpenKeysDeps } from '../jobs/open-keys.ts'
import type { Run } from '../lib/run.ts'

const prefix = 'capstan-keys-'
const leftBehindMs = 3_600_000

/**
 * Keyrings for the keys of one source: a folder that only this user may enter, removed when it is closed. Those that a killed process
 * left are removed before the first one is made. `directory`: short, since sockets of gpg's agent lie in it.
 */
export function createScratchKeyrings(run: Run, path: string, directory = tmpdir()): OpenKeysDeps['keyring'] {
  let swept: Promise<void> | undefined
  return async (pgp) => {
    swept ??= sweep(directory)
    await swept
    const home = await mkdtemp(join(directory, prefix))
    const keyring = createKeyring({ run, home, path })
    const close = async (): Promise<void> => {
      await keyring.close()
      await rm(home, { recursive: true, force: true, maxRetries: 3 })
    }
    for (const key of pgp) {
      const why = await keyring.importKey(key)
      if (why === undefined) continue
      await close()
      throw new AppError('DecryptFailed', `A PGP key of the Secret for sops cannot be used: ${why}.`)
    }
    return { home, close }
  }
}

async function sweep(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter((one) => one.startsWith(prefix))) {
    const found = await stat(join(directory, name)).catch(() => undefined)
    const isOld = found !== undefined && Date.now() - found.mtimeMs > leftBehindMs
    if (isOld) await rm(join(directory, name), { recursive: true, force: true }).catch(() => undefined)
  }
}
