import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createChartPlugins } from '../../src/adapters/helm/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { stack } from '../stack/stack.ts'
import { argvOf, objectsOf, podsOf, render } from './chart.ts'

type Container = { name: string; command: string[]; args: string[]; env: { name: string; value: string }[] }
const mounted = '/var/lib/helm-plugins'
let folder: string
let repository: Repository

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'capstan-init-plugins-'))
  repository = await createRepository()
  const file =
    'name: shelf\nversion: 0.9.2\nusage: x\ndescription: x\ndownloaders:\n- command: get.sh\n  protocols: [bucket]\n'
  await repository.push({ 'plugin.yaml': file, 'get.sh': '#!/bin/sh\n' })
  await repository.git('tag', 'v0.9.2')
  await repository.git('push', '--quiet', '--tags')
})

afterAll(async () => {
  await repository.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** As the kubelet does, with the volume in a folder of this test. */
async function start({ command, args, env }: Container): Promise<void> {
  const here = (text: string) => text.replace(mounted, folder)
  const given = Object.fromEntries(env.map(({ name, value }) => [name, here(value)]))
  const [program = '', ...words] = [...command, ...args]
  await promisify(execFile)(program, words, { env: { PATH: `${stack().binDir}:${process.env.PATH}`, ...given } })
}

describe('the value initPlugins', () => {
  const values = (plugin: string) => [
    '--set',
    'initPlugins.enable=true',
    '--set',
    `initPlugins.plugins[0].plugin=${plugin}`,
  ]

  it('installs what Capstan is told of, once, with the real helm', async () => {
    const { url } = repository
    const objects = objectsOf(await render('x', ...values(url), '--set', 'initPlugins.plugins[0].version=0.9.2'))
    const pod = podsOf(objects).get('all') ?? expect.fail('no pod')
    const containers = (pod as unknown as { initContainers: Container[] }).initContainers
    expect(containers.map(({ name }) => name)).toEqual(['helm-plugin-init-00'])
    for (const container of [...containers, ...containers]) await start(container)

    const flag = argvOf(pod).find((arg) => arg.startsWith('--helm-plugins-dir='))
    const plugins = join(folder, flag?.split(mounted)[1] ?? expect.fail('no flag'))
    expect(readdirSync(plugins)).toEqual(['repo.git'])
    const options = {
      run: createRun({ redact: (text) => text }),
      helmBinary: 'helm',
      directory: folder,
      environment: {},
    }
    expect(await createChartPlugins({ ...options, folder: plugins }).handles('bucket')).toBe(true)
  })

  it('is for those who work on releases alone', async () => {
    const split = podsOf(objectsOf(await render('x', ...values('https://a/b'), '--set', 'roles.split=true')))
    const having = [...split].filter(([, pod]) => 'initContainers' in pod).map(([name]) => name)
    expect(having).toEqual(['worker'])
  })

  it('contradicts tenants', async () => {
    await expect(render('x', ...values('https://a/b'), '--set', 'tenants.enabled=true')).rejects.toThrow(/initPlugins/)
  })
})
