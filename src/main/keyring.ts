import { rm } from 'node:fs/promises'
import { createKeyring } from '../adapters/gpg/index.ts'
import type { Ending } from './stop.ts'
import type { Parts } from './wire.ts'

/**
 * Fills the keyring that signs, verifies and decrypts with the keys that the operator gave (flux-v1 §13). What cannot be imported is
 * told and stops nothing. Where signatures count, every key in it is trusted. An operator's own keyring (GNUPGHOME) stays when we end.
 */
export async function fillKeyring(parts: Parts, env: NodeJS.ProcessEnv, ending: Pick<Ending, 'last'>): Promise<void> {
  const { config, gnupgHome, run, log } = parts
  const { gpgKeyImport } = config.git
  // Source objects may ask for signatures at any time
  const isVerifying = gpgKeyImport.length > 0 || (config.source !== undefined && config.source.verify !== 'none')
  if (gpgKeyImport.length === 0 && !isVerifying) return
  const keyring = createKeyring({ run, home: gnupgHome, path: env.PATH ?? '' })
  ending.last(async () => {
    await keyring.close()
    if (!env.GNUPGHOME) await rm(gnupgHome, { recursive: true, force: true })
  })
  const { imported, failed } = await keyring.importKeys(gpgKeyImport)
  if (imported.length > 0) log.info({ keys: imported }, 'imported GPG keys')
  for (const why of failed) log.warn({}, `a GPG key was not imported: ${why}`)
  if (isVerifying) await keyring.trustAll()
}
