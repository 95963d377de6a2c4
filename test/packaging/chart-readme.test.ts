import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { chart } from './chart.ts'
import { chartReadme } from './chart-readme.ts'
import { keysOf } from './values-keys.ts'

describe('the chart’s README', () => {
  it('says what the values say (mend: run this file with --update)', async () => {
    await expect(chartReadme()).toMatchFileSnapshot(join(chart, 'README.md'))
  })

  it('has a row for every value', () => {
    const rows = [...chartReadme().matchAll(/^\| `([^`]+)` \|/gm)].map(([, path]) => path)
    const values = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>
    for (const key of keysOf(values)) expect(rows).toContain(key)
  })
})
