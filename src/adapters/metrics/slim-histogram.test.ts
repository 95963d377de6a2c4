import { Histogram, Registry } from '@prometheus-io/client'
import { expect, it } from 'vitest'
import { createSlimHistogram } from './slim-histogram.ts'

it('prints what the histogram of the library prints', async () => {
  const [slim, whole] = [new Registry(), new Registry()]
  const about = { name: 'duration_seconds', help: 'How long.', buckets: [1, 5, 1800] }
  const ours = createSlimHistogram({ ...about, registers: [slim] })
  const theirs = new Histogram({ ...about, labelNames: ['release', 'success'], registers: [whole] })
  for (const [release, success, value] of [
    ['web', 'true', 0.5],
    ['web', 'true', 1],
    ['web', 'false', 3],
    ['a "b" \\ \n', 'true', 1801],
  ] as const) {
    ours.observe({ release, success }, value)
    theirs.observe({ release, success }, value)
  }
  expect(await slim.metrics()).toBe(await whole.metrics())
  expect(await slim.metrics()).toContain('duration_seconds_bucket{le="5",release="web",success="true"} 2')
})
