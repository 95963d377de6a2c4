import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { which } from '../../playground/tools/on-path.ts'
import { type Cluster, createCluster } from '../../src/adapters/cluster/index.ts'
import { createHelm, decodeStoredRelease, type Helm } from '../../src/adapters/helm/index.ts'
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

const { kubeconfig, helm: helm3, binDir } = stack()
const helm4 = join(binDir, 'helm4')

describe.each([['helm 3', helm3, 3], ...(existsSync(helm4) ? [['helm 4', helm4, 4] as const] : [])] as const)(
  '%s with the real binary',
  (_name, binary, major) => {
    const namespace = `helm-${randomBytes(4).toString('hex')}`
    const directory = mkdtempSync(join(tmpdir(), 'capstan-helm-test-'))
    const redactor = createRedactor()
    redactor.register([secret])
    let cluster: Cluster
    let helm: Helm

    const run = createRun({ redact: redactor.redact })
    const make = (given: Partial<Parameters<typeof createHelm>[0]> = {}) =>
      createHelm({
        // what is stopped has the time that it needs to record that
        run: async (request) => await run({ ...request, killAfterMs: 60_000 }),
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
      const upgrade = {
        ...write('web', path),
        values: { text: 'two' },
        resetValues: true,
        force: false,
        maxHistory: 10,
      }
      expect(await helm.upgrade(upgrade)).toEqual({ ok: true })
      expect(await text()).toEqual({ text: 'two' })
      const back = {
        ...target('web'),
        revision: 1,
        wait: false,
        force: false,
        recreatePods: false,
        disableHooks: false,
      }
      expect(await helm.rollback(back)).toEqual({ ok: true })
      expect(await text()).toEqual({ text: secret })
      expect(await helm.uninstall(target('web'))).toEqual({ ok: true })
      expect(await helm.uninstall(target('web'))).toEqual({ ok: true })
      expect(await text()).toBeUndefined()
    })

    it('knows its version, and forces, waits and keeps values as helm 3 does', async () => {
      expect(await helm.version()).toMatch(new RegExp(`^v${major}\\.`))
      const path = chart('forced', map)
      const request = { ...write('forced', path), wait: true }
      expect(await helm.install(request)).toEqual({ ok: true })
      const kept = { ...request, values: {}, resetValues: false, force: true, maxHistory: 10 }
      expect(await helm.upgrade(kept)).toEqual({ ok: true })
      const object = await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'forced' })
      expect(object?.data).toEqual({ text: secret })
      expect(object?.metadata.managedFields?.map(({ operation }) => operation)).not.toContain('Apply')
      const stored = await cluster.get({
        apiVersion: 'v1',
        kind: 'Secret',
        namespace,
        name: 'sh.helm.release.v1.forced.v2',
      })
      expect(stored && decodeStoredRelease(stored)).toMatchObject({ chartName: 'forced', config: { text: secret } })
      expect(stored?.metadata.labels).toMatchObject({ status: 'deployed', version: '2' })
      const back = { ...target('forced'), revision: 1, wait: true, force: true, recreatePods: true, disableHooks: true }
      expect(await helm.rollback(back)).toEqual({ ok: true })
      expect(await helm.test(target('forced'))).toEqual({ ok: true })
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

    it('sends and stores what an edit makes of the manifests, where helm asks for one', async () => {
      const edited: string[] = []
      const edit = (manifests: string) => {
        edited.push(manifests)
        return manifests.replace('metadata: {', 'metadata: {annotations: {edited: "true"}, ')
      }
      const path = chart('edited', `${job.replace('"pre-install,pre-upgrade"', 'test')}---\n${map}`)
      const live = async () =>
        await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'edited' }, { metadataOnly: true })
      const asks = major === 3
      const sent = asks ? { ok: true, edited: true } : { ok: true }
      expect(await helm.install({ ...write('edited', path), edit })).toEqual(sent)
      expect((await live())?.metadata.annotations?.edited).toBe(asks ? 'true' : undefined)
      const upgrade = { ...write('edited', path), edit, resetValues: true, force: false, maxHistory: 10 }
      expect(await helm.upgrade(upgrade)).toEqual(sent)
      expect(edited).toHaveLength(asks ? 2 : 0)
      expect(edited.join('\n')).not.toContain('helm.sh/hook')
      const secretRef = { apiVersion: 'v1', kind: 'Secret', namespace, name: 'sh.helm.release.v1.edited.v2' }
      const stored = await cluster.get(secretRef)
      expect(stored && decodeStoredRelease(stored)?.manifest.includes('edited: "true"')).toBe(asks)
      expect(await helm.upgrade({ ...upgrade, edit: (text) => text })).toEqual(sent)
      expect((await live())?.metadata.annotations?.edited).toBeUndefined()
      expect(await helm.uninstall(target('edited'))).toEqual({ ok: true })
    })

    it.each([
      ['no objects', ''],
      ['hooks alone', job.replace('"pre-install,pre-upgrade"', 'test')],
    ])('takes an edit of a chart of %s', async (what, template) => {
      const name = what.replace(' ', '-')
      const edited = { ...write(name, chart(name, template)), edit: (text: string) => text }
      expect(await helm.install(edited)).toMatchObject({ ok: true })
      expect(await helm.upgrade({ ...edited, resetValues: true, force: false, maxHistory: 10 })).toMatchObject({
        ok: true,
      })
      const back = { revision: 1, wait: false, force: false, recreatePods: false, disableHooks: false }
      expect(await helm.rollback({ ...target(name), ...back })).toEqual({ ok: true })
      expect(await helm.uninstall(target(name))).toEqual({ ok: true })
    })

    it('sends what it has rendered where an edit is not answered', async () => {
      const edited = {
        ...write('unanswered', chart('unanswered', map)),
        edit: () => {
          throw new Error('no')
        },
      }
      expect(await helm.install(edited)).toEqual({ ok: true })
      const made = await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'unanswered' })
      expect(made?.data).toEqual({ text: secret })
      const stored = { apiVersion: 'v1', kind: 'Secret', namespace, name: 'sh.helm.release.v1.unanswered.v2' }
      expect(await cluster.get(stored)).toBeUndefined()
      expect(await helm.uninstall(target('unanswered'))).toEqual({ ok: true })
    })

    it('holds up no other release while a hook is waited for', async () => {
      const onePlace = pLimit(1)
      const narrow = make({ limit: (work) => onePlace(work) })
      const stop = new AbortController()
      const waits = narrow.install(write('hooked', chart('hooked', job), 120), stop.signal)
      expect(await narrow.install(write('behind', chart('behind', map)))).toEqual({ ok: true })
      stop.abort()
      expect(await waits).toMatchObject({ ok: false })
    })

    it('ends by its own time-out', async () => {
      const outcome = await helm.install(write('slow', chart('slow', job), 1))
      expect(outcome).toMatchObject({ ok: false, reason: 'HookFailed' })
    })

    it('shows values neither on a command line nor to others, and is recorded as failed when it is stopped', async () => {
      const stop = new AbortController()
      const running = helm.install(write('stopped', chart('stopped', job)), stop.signal)
      const stored = { apiVersion: 'v1', kind: 'Secret', namespace, name: 'sh.helm.release.v1.stopped.v1' }
      await until('helm has begun', async () => (await cluster.get(stored, { metadataOnly: true })) !== undefined)
      const folder = join(directory, 'home')
      expect(statSync(folder).mode & 0o777).toBe(0o700)
      expect(statSync(join(folder, leftOver()[0] ?? '')).mode & 0o777).toBe(0o600)
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
  },
)

const prlimit = which('prlimit')

it.skipIf(!prlimit)('ends a chart that takes all memory (hazard I5)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-helm-test-'))
  const chart = (name: string, text: string) => {
    mkdirSync(join(directory, name, 'templates'), { recursive: true })
    writeFileSync(join(directory, name, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`)
    writeFileSync(join(directory, name, 'templates/a.yaml'), text)
    return join(directory, name)
  }
  const helm = createHelm({
    run: createRun({ redact: (text) => text, ...(prlimit ? { prlimit } : {}) }),
    binary: helm3,
    kubeconfig,
    directory: join(directory, 'home'),
    environment: { PATH: process.env.PATH ?? '' },
    redact: (text) => text,
    limit: (work) => work(),
    log: silent,
  })
  const request = { release: `bomb-${randomBytes(4).toString('hex')}`, namespace: 'default', timeoutSeconds: 30 }
  const flags = { values: {}, wait: false, skipCrds: false, disableOpenApiValidation: false }
  for (const bomb of ['{{ repeat 2000000000 "x" }}', '{{ range until 400000000 }}x{{ end }}']) {
    const outcome = await helm.install({ ...request, ...flags, chartPath: chart('bomb', bomb) })
    expect(outcome).toMatchObject({
      ok: false,
      message: expect.stringContaining('more memory than a chart may') as string,
    })
  }
  expect(await helm.install({ ...request, ...flags, chartPath: chart('good', '# nothing') })).toEqual({ ok: true })
  expect(await helm.uninstall(request)).toEqual({ ok: true })
  rmSync(directory, { recursive: true, force: true })
})

it.each([
  ['helm 2', 'Client: v2.17.0+ga690bad', /is helm 2, which is not supported/],
  ['a helm that is not known yet', 'v5.0.0', /is helm 5/],
  ['another program', 'hello', /is no helm/],
])('refuses %s before it is given anything to do', async (_what, version, message) => {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-helm-test-'))
  const binary = join(directory, 'helm')
  const log = join(directory, 'log')
  writeFileSync(binary, `#!/bin/sh\necho "$@" >> ${log}\necho '${version}'\n`, { mode: 0o755 })
  const helm = createHelm({
    run: createRun({ redact: (text) => text }),
    binary,
    directory,
    environment: { PATH: process.env.PATH ?? '' },
    redact: (text) => text,
    limit: (work) => work(),
    log: silent,
  })
  const outcome = await helm.uninstall({ release: 'a', namespace: 'b', timeoutSeconds: 1 })
  expect(outcome).toMatchObject({ ok: false, reason: 'HelmMissing', message: expect.stringMatching(message) as string })
  expect(readFileSync(log, 'utf8')).toBe('version --short\n')
  rmSync(directory, { recursive: true, force: true })
})

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return ''
  }
}
