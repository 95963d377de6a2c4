import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Asks nobody for anything: neither a person for a passphrase nor a server for a key. */
const gpg = ['batch', 'no-tty', 'pinentry-mode error', 'no-auto-key-locate', 'no-auto-key-retrieve', 'trust-model pgp']

/** Writes gpg's configuration into its home, unless somebody wrote one; git starts gpg too, and finds the same there. */
export async function putConfiguration(home: string): Promise<void> {
  try {
    await writeFile(join(home, 'gpg.conf'), `${gpg.join('\n')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
