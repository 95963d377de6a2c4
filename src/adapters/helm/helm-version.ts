import { AppError } from '../../domain/error.ts'
import type { RunResult } from '../../lib/run.ts'
import { type HelmMajor, readMajor } from './argv.ts'

/** Which helm there is. */
export type HelmVersion = {
  /** As helm prints it. Throws HelmMissing when there is none. */
  text(): Promise<string>
  /** Asked once. Throws HelmMissing when there is none, or one that cannot be worked with. */
  major(): Promise<HelmMajor>
}

/** `ask` runs `helm version --short`. */
export function createHelmVersion(binary: string, ask: () => Promise<RunResult>): HelmVersion {
  let known: Promise<HelmMajor> | undefined

  async function text(): Promise<string> {
    const result = await ask()
    if (result.ended === 'notFound') throw missing(`the helm binary ${binary} is not there`)
    return result.stdout.trim()
  }

  async function find(): Promise<HelmMajor> {
    const printed = await text()
    const major = readMajor(printed)
    if (major === 3 || major === 4) return major
    throw missing(major === undefined ? `${binary} is no helm` : `${binary} is helm ${major}, which is not supported`)
  }

  return {
    text,
    major: () =>
      (known ??= find().catch((error: unknown) => {
        known = undefined
        throw error
      })),
  }
}

function missing(what: string): AppError {
  return new AppError('HelmMissing', `${what}: install helm 3 or 4, or give its path with --helm-binary`, {
    retry: 'never',
  })
}
