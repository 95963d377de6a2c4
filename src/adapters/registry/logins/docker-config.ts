import { readFile } from 'node:fs/promises'
import { AppError } from '../../../domain/error.ts'
import {
  helperFor,
  loginFor,
  parseDockerConfig,
  parseHelperAnswer,
  parseHelpers,
} from '../../../domain/image/credentials.ts'
import type { Run } from '../../../lib/run.ts'
import type { RegistryAuth } from '../access.ts'

export type DockerConfigDeps = {
  /** `--docker-config`. */
  file: string
  run: Run
  env: Readonly<Record<string, string | undefined>>
}

const helperMs = 30_000
const maxHelperBytes = 64 * 1024
/** What helpers of clouds find their own login by, and no secret of ours. */
const passedOn =
  /^(?:PATH|HOME|(?:AWS|GOOGLE|GCE|CLOUDSDK|AZURE|DOCKER|XDG)_\w+|(?:https?|no)_proxy|SSL_CERT_(?:FILE|DIR))$/i

/**
 * The login of a docker config file for a host, which is read anew each time: from the helper that it names for the host, else its own.
 * Undefined where it has none. Throws RegistryAuthFailed when the file or the helper cannot be read: that is not the same as none.
 */
export async function loginOfFile(
  host: string,
  { file, run, env }: DockerConfigDeps,
  signal?: AbortSignal,
): Promise<RegistryAuth | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new AppError('RegistryAuthFailed', `the docker config file ${file} cannot be read (${code})`)
  })
  const helper = helperFor(parseHelpers(text), host)
  const own = loginFor(parseDockerConfig(text), host)
  if (!helper) return own
  const command = `docker-credential-${helper.name}`
  const { exitCode, stdout, ended } = await run({
    command,
    args: ['get'],
    env: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) => (value && passedOn.test(name) ? [[name, value]] : [])),
    ),
    input: helper.server,
    timeoutMs: helperMs,
    maxOutputBytes: maxHelperBytes,
    ...(signal ? { signal } : {}),
  })
  signal?.throwIfAborted()
  if (exitCode === 0) {
    const login = parseHelperAnswer(stdout)
    if (login) return login
  }
  // how helpers say that they know of none
  if (ended === 'exit' && /credentials not found/i.test(stdout)) return own
  const how = ended === 'exit' ? `exit code ${exitCode}, or no login in its answer` : ended
  throw new AppError('RegistryAuthFailed', `${command} of ${file} gave no login for ${host} (${how})`)
}
