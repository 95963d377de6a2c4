import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { ParseFiles } from '../../domain/manifest/parsed-file.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import type { Run } from '../../lib/run.ts'

/** Output of a program beyond this ends it. */
export const maxOutputBytes = 50 * 1024 * 1024

/** A checkout on disk, and what is needed to work in it. */
export type Place = {
  /** The files of the commit. */
  root: string
  /** Beside them: homes, temporary files. */
  scratch: string
  run: Run
  parse: ParseFiles
  signal: AbortSignal
  /** bash ends a pipeline with the first failure in it. */
  strict: boolean
  /** Kustomizations may name what lies outside the repository. */
  remoteBases: boolean
  kustomizeBinary: string
  gnupgHome: string | undefined
  /** Of the operator, without ours. */
  environment: Readonly<Record<string, string>>
}

/** What a target became: texts to parse, in order. */
export type Generated = { texts: string[]; warnings: Problem[] } | { problem: Problem }

/** The environment of one program: the operator's, with an empty HOME and a TMPDIR that go with the checkout. */
export async function environmentOf({ environment, scratch }: Place): Promise<Record<string, string>> {
  return {
    ...environment,
    HOME: await mkdtemp(join(scratch, 'home-')),
    TMPDIR: await mkdtemp(join(scratch, 'tmp-')),
  }
}
