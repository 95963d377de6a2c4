import { AppError } from '../../domain/error.ts'
import type { RunResult } from '../../lib/run.ts'
import { type HelmMajor, readMajor, takesEdits } from './argv.ts'

/** Which helm there is. */
export type HelmVersion = {
  /** As helm prints it. Throws HelmMissing when there is none. */
  text(): Promise<string>
  /** Asked once. Throws HelmMissing when there is none, or one that cannot be worked with. */
  kind(): Promise<HelmKind>
}

/** `edits`: it lets its caller edit what it has rendered. */
export type HelmKind = { major: HelmMajor; edits: boolean }

/** `ask` runs `helm version --short`. */
export function createHelmVersion(binary: string, ask: () => Promise<RunResult>): HelmVersion {
  let known: Promise<HelmKind> | undefined

  async function text(): Promise<string> {
    const result = await ask()
    if (result.ended === 'notFound') throw missing(`the helm binary ${binary} is not there`)
    return result.stdout.trim()
  }

  async function find(): Promise<HelmKind> {
    const printed = await text()
    const major = readMajor(printed)
    if (major === 3 || major === 4) return { major, edits: takesEdits(printed) }
    throw missing(major === undefined ? `${binary} is no helm` : `${binary} is helm ${major}, which is not supported`)
  }

  return {
    text,
    kind: () =>
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
