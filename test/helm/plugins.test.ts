import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEgress } from '../../src/adapters/egress/index.ts'
import { createChartPlugins } from '../../src/adapters/helm/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { stack } from '../stack/stack.ts'
import { chartArchive, openCharts } from './world.ts'

const signal = new AbortController().signal
const folder = mkdtempSync(join(tmpdir(), 'capstan-plugins-'))
const [bucket, installed] = [join(folder, 'bucket'), join(folder, 'installed')]
const egress = createEgress()

/** As a plugin for a store of objects is: its program writes the object to standard output. It notes how it was called. */
const program = `#!/bin/sh
echo "$@|$1|$HELM_PLUGIN_NAME|$HELM_PLUGIN_USERNAME|$AWS_REGION|$CAPSTAN_REDIS_URL" >> "${folder}/calls"
test "$2" || exec cat "${bucket}/\${4#bucket://shelf/}"
`

beforeAll(async () => {
  const plugin = join(folder, 'plugin')
  mkdirSync(plugin)
  mkdirSync(bucket)
  const file =
    'name: shelf\nversion: 1.0.0\nusage: x\ndescription: x\ndownloaders:\n- command: get.sh\n  protocols: [bucket]\n'
  writeFileSync(join(plugin, 'plugin.yaml'), file)
  writeFileSync(join(plugin, 'get.sh'), program, { mode: 0o755 })
  writeFileSync(join(bucket, 'demo-1.0.0.tgz'), chartArchive('demo', '1.0.0'))
  const index = ['demo-1.0.0.tgz', 'https://charts.invalid/demo-1.1.0.tgz', 'other://shelf/demo-1.2.0.tgz']
    .map((url, at) => `  - urls: ["${url}"]\n    version: 1.${at}.0\n`)
    .join('')
  writeFileSync(join(bucket, 'index.yaml'), `apiVersion: v1\nentries:\n  demo:\n${index}`)
  const env = { PATH: process.env.PATH ?? '', HOME: folder, HELM_PLUGINS: installed }
  await promisify(execFile)(stack().helm, ['plugin', 'install', plugin], { env })
})

afterAll(async () => {
  await egress.close()
  rmSync(folder, { recursive: true, force: true })
})

function charts(withPlugins = true) {
  const plugins = createChartPlugins({
    run: createRun({ redact: (text) => text }),
    folder: installed,
    helmBinary: stack().helm,
    directory: join(folder, 'home'),
    environment: { PATH: process.env.PATH, AWS_REGION: 'eu-west-1', CAPSTAN_REDIS_URL: 'redis://secret' },
  })
  return openCharts({ directory: mkdtempSync(join(folder, 'cache-')), egress, ...(withPlugins ? { plugins } : {}) })
}

const access = { username: 'ana', password: 'geheim', tls: {}, everywhere: false }
const wanted = { url: 'bucket://shelf', name: 'demo', version: '1.0.0' }

describe('plugins that helm installed', () => {
  it('fetch index and chart of their scheme, with what the operator set and nothing of ours', async () => {
    const chart = await charts().fromRepository({ ...wanted, access }, signal)
    expect(chart).toMatchObject({ name: 'demo', version: '1.0.0' })
    expect(readFileSync(join(folder, 'calls'), 'utf8').split('\n').filter(Boolean)).toEqual([
      '   bucket://shelf/index.yaml||shelf|ana|eu-west-1|',
      '   bucket://shelf/demo-1.0.0.tgz||shelf|ana|eu-west-1|',
    ])
  })

  it.each([
    ['what is not there', { ...wanted, url: 'bucket://shelf/none' }, /plugin shelf ended with 1: cat: .*No such file/],
    ['a scheme that none of them has', { ...wanted, url: 's3://shelf' }, /no plugin of --helm-plugins-dir has it/],
    ['a chart that the index puts under another scheme', { ...wanted, version: '1.2.0' }, /not of a scheme/],
  ])('say why not: %s', async (_fact, request, why) => {
    await expect(charts().fromRepository(request, signal)).rejects.toThrow(why)
  })

  it('are not run unless a folder is named', async () => {
    await expect(charts(false).fromRepository(wanted, signal)).rejects.toThrow(/without --helm-plugins-dir/)
  })
})
