import type { Git } from '../../adapters/git/index.ts'
import type { Registry } from '../../adapters/registry/index.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { History } from '../history.ts'
import type { Requests } from '../requests.ts'
import type { ScanImageDeps } from '../scan-image/index.ts'
import type { Released } from './released.ts'

/** What updates of images work with. */
export type UpdateImagesDeps = ScanImageDeps & {
  git: Pick<Git, 'changeBranch' | 'log' | 'notes'>
  registry: Pick<Registry, 'budget'>
  requests: Pick<Requests, 'read' | 'end' | 'putAnswer'>
  fence: Pick<Fence, 'check'>
  /** Of commits (`--git-user`, `--git-email`). */
  author: { name: string; email: string }
  /** Who asks becomes the author of the commit (`--git-set-author`). */
  setAuthor: boolean
  /** Key that signs commits (`--git-signing-key`); empty: they are not signed. */
  signingKey: string
  /** Appended to commit messages as it is (`--git-ci-skip`). */
  ciSkip: string
  /** Nothing is committed to the source of the flags; what would be is said (`--git-readonly`). */
  readonly: boolean
  /** How often registries are asked by themselves. */
  scanIntervalMs: number
  /** How many repositories are being scanned or about to be; left out where nobody knows. */
  scansLeft?: () => Promise<number>
  /** Where people and sinks are told; left out where nobody is. */
  history?: History
  /** Told of each release; left out where nobody measures. */
  released?: (released: Released) => void
  /** Of a job of our own, for its note. */
  newId: () => string
}
