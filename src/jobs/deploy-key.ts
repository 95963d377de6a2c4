import type { Cluster } from '../adapters/cluster/index.ts'
import type { Fingerprints, SshKeys } from '../adapters/ssh-key/index.ts'
import { AppError } from '../domain/error.ts'
import type { KubeObject, ObjectRef } from '../domain/manifest/object.ts'
import { isSshUrl, type KeyGeneration, keyTypeFor } from '../domain/source/key-type.ts'
import type { Fence } from '../domain/work/fence.ts'

export type DeployKeyDeps = {
  cluster: Pick<Cluster, 'get' | 'create' | 'patch'>
  keys: SshKeys
  /** Checked before the Secret is written. */
  fence?: Pick<Fence, 'check'>
}

export type DeployKeyRequest = {
  namespace: string
  secretName: string
  /** The key of the Secret that holds the private key, and then the one that we write, `identity`. */
  dataKey: string
  /** Where the Secret is mounted, if it is; goes before what the cluster says. */
  mountedFile: string
  url: string
  keygen: KeyGeneration
}

export type DeployKey = { privateKeyFile: string; publicKey: string; fingerprints: Fingerprints }

/** Where we keep a key that we made, whatever `dataKey` says (flux-v1 §27). */
const ownKey = 'identity'
const attempts = 3

/**
 * The ssh key of a repository (flux-v1 §27, ruling 23b): that of the mounted file, else that of the Secret, else a new one, which is
 * put into the Secret. A key that is there is never made anew, also when two processes begin at once. Undefined for a repository that
 * is not reached by ssh. Throws GitAuthFailed for a key that cannot be used, and what the cluster says when it cannot be asked.
 */
export async function ensureDeployKey(
  deps: DeployKeyDeps,
  request: DeployKeyRequest,
  signal: AbortSignal,
): Promise<DeployKey | undefined> {
  if (!isSshUrl(request.url)) return undefined
  const mounted = await deps.keys.readMounted(request.mountedFile)
  const privateKey = mounted || (await fromSecret(deps, request, signal))
  return await describeKey(deps.keys, privateKey, signal)
}

/** A new key in the place of that of the Secret, as for one that there never was; the mounted file follows by itself. */
export async function renewDeployKey(
  deps: DeployKeyDeps,
  request: DeployKeyRequest,
  signal: AbortSignal,
): Promise<DeployKey | undefined> {
  if (!isSshUrl(request.url)) return undefined
  const ref = refOfSecret(request)
  const secret = await deps.cluster.get(ref, { signal })
  const privateKey = await deps.keys.generate(keyTypeFor(request.url, request.keygen), signal)
  await write(deps, { ref, secret, privateKey, dataKey: request.dataKey }, signal)
  return await describeKey(deps.keys, privateKey, signal)
}

async function describeKey(keys: SshKeys, privateKey: string, signal: AbortSignal): Promise<DeployKey> {
  const privateKeyFile = await keys.keep(privateKey)
  const publicKey = await keys.publicKey(privateKeyFile, signal)
  return { privateKeyFile, publicKey, fingerprints: await keys.fingerprints(privateKeyFile, signal) }
}

async function fromSecret(deps: DeployKeyDeps, request: DeployKeyRequest, signal: AbortSignal): Promise<string> {
  const ref = refOfSecret(request)
  let made: string | undefined
  for (let attempt = 1; ; attempt++) {
    const secret = await deps.cluster.get(ref, { signal })
    const found = keyIn(secret, request.dataKey)
    if (found) return found
    made ??= await deps.keys.generate(keyTypeFor(request.url, request.keygen), signal)
    try {
      await write(deps, { ref, secret, privateKey: made, dataKey: ownKey }, signal)
      return made
    } catch (error) {
      // Somebody else wrote it meanwhile: what they wrote counts.
      if (attempt === attempts || !(error instanceof AppError) || error.reason !== 'OtherWriter') throw error
    }
  }
}

/** `dataKey`: where the key is looked for first; kept from holding an old one. */
type Writing = { ref: ObjectRef; secret: KubeObject | undefined; privateKey: string; dataKey: string }

async function write(
  deps: DeployKeyDeps,
  { ref, secret, privateKey, dataKey }: Writing,
  signal: AbortSignal,
): Promise<void> {
  const publicKey = await deps.keys.publicKey(await deps.keys.keep(privateKey), signal)
  const data = {
    [dataKey]: encode(privateKey),
    [ownKey]: encode(privateKey),
    [`${ownKey}.pub`]: encode(publicKey),
  }
  deps.fence?.check()
  if (secret) {
    // With the version that was read, or two processes that begin at once would each believe in a key of their own.
    const { resourceVersion } = secret.metadata
    await deps.cluster.patch(ref, { metadata: { resourceVersion }, data }, { signal })
    return
  }
  const { namespace, name } = ref
  const metadata = { name, ...(namespace ? { namespace } : {}) }
  await deps.cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data }, signal)
}

function refOfSecret({ namespace, secretName }: DeployKeyRequest): ObjectRef {
  return { apiVersion: 'v1', kind: 'Secret', namespace, name: secretName }
}

function keyIn(secret: KubeObject | undefined, dataKey: string): string | undefined {
  const data = (secret?.data ?? {}) as Record<string, string>
  const text = data[dataKey] || data[ownKey]
  return text ? Buffer.from(text, 'base64').toString() : undefined
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}
