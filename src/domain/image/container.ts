import type { ImageRef } from './ref.ts'
import type { Path } from './value-at.ts'

/** One image of a workload, and the one scalar that a new tag is written to. */
export type Container = {
  name: string
  image: ImageRef
  /** The file in which the tag stands, where that is not the workload's own: a kustomization. */
  file?: string
  /** Where the tag stands. */
  path: Path
  /** What stands there now: the tag alone, or a name that ends in the tag or has none; a digest may be behind it. */
  text: string
  /** The scalar holds the tag alone; its name stands elsewhere. */
  isTagAlone?: true
  /** Why no tag can be written, in words for people; absent where it can. */
  problem?: string
}
