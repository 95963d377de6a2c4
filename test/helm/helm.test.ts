import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { type Cluster, createCluster } from '../../src/adapters/cluster/index.ts'
import { createHelm, type Helm } from '../../src/adapters/helm/index.ts'
import { createRedactor } from '../../src/adapters/log/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { stack } from '../stack/stack.ts'
import { silent } from '../sync/workbench.ts'

const job = `apiVersion: batch/v1
kind: Job
metadata: {name: "{{ .Release.Name }}", annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: none}]}}}
`
const map = `apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {text: {{ .Values.text | quote }}}
`
const secret = 'top-secret-value-9876'

describe('helm with the real binary', () => {
  const { kubeconfig, helm: binary } = stack()
  const namespace = `helm-${randomBytes(4).toString('hex')}`
  const directory = mkdtempSync(join(tmpdir(), 'capstan-helm-test-'))
  const redactor = createRedactor()
  redactor.register([secret])
  let cluster: Cluster
  let helm: Helm

  const make = (given: { kubeconfig?: string; binary?: string } = {}) =>
    createHelm({
      run: createRun({ redact: redactor.redact }),
      binary,
      kubeconfig,
      directory: join(directory, 'home'),
      environment: { PATH: process.env.PATH ?? '' },
      redact: redactor.redact,
      limit: (work) => work(),
      log: silent,
      ...given,
    })
  const chart = (name: string, template: string) => {
    const path = join(directory, name)
    mkdirSync(join(path, 'templates'), { recursive: true })
    writeFileSync(join(path, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`)
    writeFileSync(join(path, 'templates/a.yaml'), template)
    return path
  }
  const target = (release: string, timeoutSeconds = 30) => ({ release, namespace, timeoutSeconds })
  const write = (release: string, chartPath: string, timeoutSeconds = 30) => ({
    ...target(release, timeoutSeconds),
    chartPath,
    values: { text: secret },
    wait: false,
    skipCrds: false,
    disableOpenApiValidation: false,
  })
  const leftOver = () => readdirSync(join(directory, 'home')).filter((name) => name.startsWith('values-'))

  beforeAll(async () => {
    cluster = createCluster({ kubeconfig, log: silent })
    await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    helm = make()
  })

  afterAll(async () => {
    await cluster.delete({ apiVersion: 'v1', kind: 'Namespace', name: namespace }, {})
    await cluster.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('installs, upgrades, rolls back and uninstalls', async () => {
    const path = chart('plain', map)
    const text = async () =>
      (await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'web' }))?.data as object | undefined
    expect(await helm.install(write('web', path))).toEqual({ ok: true })
    const upgrade = { ...write('web', path), values: { text: 'two' }, resetValues: true, force: false, maxHistory: 10 }
    expect(await helm.upgrade(upgrade)).toEqual({ ok: true })
    expect(await text()).toEqual({ text: 'two' })
    const back = { ...target('web'), revision: 1, wait: false, force: false, recreatePods: false, disableHooks: false }
    expect(await helm.rollback(back)).toEqual({ ok: true })
    expect(await text()).toEqual({ text: secret })
    expect(await helm.uninstall(target('web'))).toEqual({ ok: true })
    expect(await helm.uninstall(target('web'))).toEqual({ ok: true })
    expect(await text()).toBeUndefined()
  })

  it('says why a chart does not render, without the secret that the chart prints', async () => {
    const outcome = await helm.install(write('bad', chart('bad', '{{ fail (printf "no: %s" .Values.text) }}')))
    expect(outcome).toMatchObject({
      ok: false,
      reason: 'RenderFailed',
      message: expect.stringContaining('no: *****') as string,
    })
    expect(JSON.stringify(outcome)).not.toContain(secret)
    expect(leftOver()).toEqual([])
  })

  it('knows objects that the API server refuses, an API server that is away, and a helm that is not there', async () => {
    const bad = chart(
      'refused',
      'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 700000}]}\n',
    )
    expect(await helm.install(write('refused', bad))).toMatchObject({ ok: false, reason: 'HelmFailed' })
    const nowhere = join(directory, 'nowhere')
    writeFileSync(nowhere, readFileSync(kubeconfig, 'utf8').replace(/server: .*/, 'server: https://127.0.0.1:1'))
    const away = await make({ kubeconfig: nowhere }).install(write('away', bad))
    expect(away).toMatchObject({ ok: false, reason: 'ClusterUnavailable' })
    const missing = make({ binary: join(directory, 'none') })
    expect(await missing.install(write('missing', bad))).toMatchObject({ ok: false, reason: 'HelmMissing' })
    await expect(missing.version()).rejects.toMatchObject({ reason: 'HelmMissing' })
  })

  it('ends by its own time-out', async () => {
    const outcome = await helm.install(write('slow', chart('slow', job), 1))
    expect(outcome).toMatchObject({ ok: false, reason: 'HelmFailed' })
  })

  it('shows values neither on a command line nor to others, and is recorded as failed when it is stopped', async () => {
    const stop = new AbortController()
    const running = helm.install(write('stopped', chart('stopped', job)), stop.signal)
    const stored = { apiVersion: 'v1', kind: 'Secret', namespace, name: 'sh.helm.release.v1.stopped.v1' }
    await until('helm has begun', async () => (await cluster.get(stored, { metadataOnly: true })) !== undefined)
    const folder = join(directory, 'home', leftOver()[0] ?? '')
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'values.yaml')).mode & 0o777).toBe(0o600)
    const lines = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(commandLine)
    expect(lines.some((line) => line.includes('stopped'))).toBe(true)
    expect(lines.join('\n')).not.toContain(secret)
    stop.abort()
    expect(await running).toMatchObject({ ok: false })
    expect(leftOver()).toEqual([])
    expect((await cluster.get(stored))?.metadata.labels?.status).toBe('failed')
  })
})

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return ''
  }
}
