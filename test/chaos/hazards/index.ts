import type { Hazard } from '../hazard.ts'
import { c10 } from './admission.ts'
import { c1, c3, c5, c6 } from './api-away.ts'
import { c12 } from './back-in-time.ts'
import { k1 } from './canaries.ts'
import { k4 } from './child-arguments.ts'
import { d8 } from './commit-back.ts'
import { b10, b11, b9 } from './deliveries.ts'
import { i6 } from './exec-asks.ts'
import { a1, d1, d2 } from './git-faults.ts'
import { i1, j8 } from './hostile-links.ts'
import { g8 } from './hostile-trees.ts'
import { i2 } from './hostile-archives.ts'
import { g1, g2, g3, g4 } from './hostile-yaml.ts'
import { a4 } from './image-death.ts'
import { h1, h2, h3, h4 } from './injection.ts'
import { p8 } from './manifest-edits.ts'
import { l5 } from './junk-webhooks.ts'
import { d3 } from './nothing-left.ts'
import { a2 } from './process-death.ts'
import { b1, b2 } from './redis-away.ts'
import { e1, e2, e3, e6 } from './registries.ts'
import { e4, e5 } from './registry-content.ts'
import { a3, a6, a8 } from './release-death.ts'
import { l1, l9 } from './strangers.ts'
import { a7 } from './much-output.ts'
import { i5 } from './template-bombs.ts'
import { a5, b8 } from './two-writers.ts'
import { g6 } from './yaml-like-kubectl.ts'

/** Every row that is tried, in the order of the table of hazards. */
export const hazards: readonly Hazard[] = [
  a1,
  a2,
  a3,
  a4,
  a5,
  a6,
  a7,
  a8,
  b1,
  b2,
  b8,
  b9,
  b10,
  b11,
  c1,
  c3,
  c5,
  c6,
  c10,
  c12,
  d1,
  d2,
  d3,
  d8,
  e1,
  e2,
  e3,
  e4,
  e5,
  e6,
  g1,
  g2,
  g3,
  g4,
  g6,
  g8,
  h1,
  h2,
  h3,
  h4,
  i1,
  i2,
  i5,
  i6,
  j8,
  k1,
  k4,
  l1,
  l5,
  l9,
  p8,
]
