import type { Cluster } from '../adapters/cluster/index.ts'
import type { OwnKeys, Sops } from '../adapters/sops/index.ts'
import { AppError } from '../domain/error.ts'
import { readKeySecret } from '../domain/source/key-secret.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Redactor } from '../lib/redactor.ts'
import type { OpenedKeys } from './sync-source/files.ts'

export type OpenKeysDeps = {
  cluster: Pick<Cluster, 'get'>
  redactor: Pick<Redactor, 'register'>
  sops: Pick<Sops, 'decrypt' | 'withKeys'>
  /** A keyring with these armored PGP keys and no others, which is gone after `close`. Throws DecryptFailed for a key that gpg does not take. */
  keyring: (pgp: readonly string[]) => Promise<{ home: string; close(): Promise<void> }>
}

/**
 * The keys that open files of a source: Capstan's, or those of the Secret that the source names in its own namespace and nothing
 * else. Throws DecryptFailed, which says for every encrypted file what is missing, and what the cluster says.
 */
export async function openKeys(
  spec: Pick<SourceSpec, 'namespace' | 'name' | 'sopsKeys' | 'sopsSecretName'>,
  { cluster, redactor, sops, keyring }: OpenKeysDeps,
  signal: AbortSignal,
): Promise<OpenedKeys> {
  if (spec.sopsKeys === 'operator') return { decrypt: sops.decrypt, close: async () => {} }
  if (spec.sopsKeys === 'none') {
    const unblock = 'Name a Secret with an age or PGP key in spec.decryption.secretRef'
    throw new AppError('DecryptFailed', `The file is encrypted with sops, and the Source has no keys. ${unblock}.`)
  }
  const { namespace, sopsSecretName: name } = spec
  const found = await cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, { signal })
  if (!found) {
    const why = `the Secret ${namespace}/${name}, which spec.decryption.secretRef names, does not exist`
    throw new AppError('DecryptFailed', `The file is encrypted with sops, and ${why}.`)
  }
  const { age, pgp } = readKeySecret(found.data, `${namespace}/${name}`)
  redactor.register([...age, ...pgp])
  const ring = pgp.length > 0 ? await keyring(pgp) : undefined
  const keys: OwnKeys = { age, ...(ring ? { gnupgHome: ring.home } : {}) }
  return { ...sops.withKeys(keys), close: async () => await ring?.close() }
}
