import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Logger } from '../../src/lib/logger.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

const secret = `apiVersion: v1
kind: Secret
metadata: {name: '{{ .Release.Name }}-login'}
stringData: {password: '{{ .Values.password }}'}
`
let bench: ReleaseBench
const lines: { object?: unknown; diff?: unknown; text: string }[] = []

beforeAll(async () => {
  bench = await createReleaseBench()
  await bench.publish('1.0.0', { 'config.yaml': template, 'login.yaml': secret })
  const note = (fields: object, text: string): void => void lines.push({ ...fields, text })
  const log: Logger = { debug() {}, info: note as Logger['info'], warn() {}, error() {}, child: () => log }
  bench.deps.log = log
})

afterAll(async () => await bench.close())

async function deploy(color: string, password: string): Promise<void> {
  const chart = { repository: bench.charts.url, name: 'demo', version: '1.0.0' }
  await bench.put('web', { releaseName: 'web', chart, values: { color, password } })
  expect(await bench.sync('web')).toMatchObject({ end: 'done' })
}

it('an upgrade logs each object that it changed, with its diff and no secret (--log-release-diffs)', async () => {
  bench.deps.logDiffs = true
  await deploy('blue', 'correct-horse')
  lines.length = 0
  await deploy('green', 'battery-staple')
  const changed = lines.filter(({ text }) => text.startsWith('upgrade of web: '))
  expect(changed.map(({ text }) => text)).toEqual([
    expect.stringMatching(/:secret\/web-login configured$/),
    expect.stringMatching(/:configmap\/web-config configured$/),
  ])
  expect(String(changed[1]?.diff)).toMatch(/^-.*blue$/m)
  expect(String(changed[1]?.diff)).toMatch(/^\+.*green$/m)
  expect(JSON.stringify(lines)).not.toMatch(/correct-horse|battery-staple/)
})

it('nothing of it is logged without the flag', async () => {
  bench.deps.logDiffs = false
  lines.length = 0
  await deploy('red', 'correct-horse')
  expect(lines.filter(({ diff }) => diff !== undefined)).toEqual([])
})
