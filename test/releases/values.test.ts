import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { createReleaseBench, type ReleaseBench } from './workbench.ts'

const dump = `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  values: {{ toJson .Values | quote }}
`

let bench: ReleaseBench
let server: Server
let url: string

beforeAll(async () => {
  bench = await createReleaseBench()
  await bench.publish(
    '1.0.0',
    { 'config.yaml': dump, '../extra/prod.yaml': 'from: chart file\nfile: 1\n' },
    'gone: default\n',
  )
  server = createServer(({ url: path }, response) => {
    response.statusCode = path === '/values.yaml' ? 200 : 404
    response.end('from: url\nurl: 1\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { cluster, namespace } = bench
  const put = async (name: string, data: Record<string, string>) => {
    await cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data })
    await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData: data })
  }
  await put('plain', { 'values.yaml': 'from: plain\nplain: 1\nlist: [1, 2]\nmap: {a: 1, b: 1}\n' })
  await put('keyed', { 'my-key': 'from: keyed\nkeyed: 1\nlist: [3]\nmap: {b: 2}\n' })
  await put('odd', { 'values.yaml': 'hunter2hunter2 is: no: yaml: [' })
})

afterAll(async () => {
  server.close()
  await bench.close()
})

const chart = () => ({ repository: bench.charts.url, name: 'demo', version: '1.0.0' })

/** Deploys with these fields; gives the values as the chart saw them, or the message of the status. */
async function outcome(name: string, spec: Record<string, unknown>): Promise<unknown> {
  await bench.put(name, { releaseName: name, chart: chart(), ...spec })
  const { end } = await bench.sync(name)
  if (end !== 'done') {
    const status = (await bench.get(name))?.status as ReleaseStatus | undefined
    return status?.conditions?.find(({ type }) => type === 'Released')?.message
  }
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.namespace, name: `${name}-config` }
  const { values = '' } = ((await bench.cluster.get(ref))?.data ?? {}) as { values?: string }
  const { gone = 'absent', ...rest } = JSON.parse(values) as Record<string, unknown>
  return { ...rest, ...(gone === 'default' ? {} : { gone }) }
}

const configMap = (more: object) => ({ configMapKeyRef: { name: 'plain', ...more } })
const secret = (more: object) => ({ secretKeyRef: { name: 'plain', ...more } })
const plain = { from: 'plain', plain: 1, list: [1, 2], map: { a: 1, b: 1 } }

describe('the values of a release (helm-operator §5)', () => {
  it('come from a ConfigMap, a Secret, a URL, a file of the chart and the spec, the later over the earlier', async () => {
    const valuesFrom = [
      configMap({}),
      secret({ name: 'keyed', key: 'my-key' }),
      { externalSourceRef: { url: `${url}/values.yaml` } },
      { chartFileRef: { path: 'extra/prod.yaml' } },
    ]
    const rest = { plain: 1, keyed: 1, url: 1, file: 1, list: [3], map: { a: 1, b: 2 } }
    expect(await outcome('all', { valuesFrom })).toEqual({ ...rest, from: 'chart file' })
    expect(await outcome('all', { valuesFrom: valuesFrom.toReversed() })).toMatchObject({ from: 'plain', list: [1, 2] })
    expect(await outcome('all', { valuesFrom, values: { from: 'spec' } })).toEqual({ ...rest, from: 'spec' })
  })

  it('begin with valueFileSecrets', async () => {
    const valuesFrom = [{ configMapKeyRef: { name: 'keyed', key: 'my-key' } }]
    expect(await outcome('files', { valueFileSecrets: [{ name: 'plain' }], valuesFrom })).toMatchObject({
      from: 'keyed',
      plain: 1,
    })
  })

  it('keep a null, which takes a default of the chart away', async () => {
    expect(await outcome('null', { values: { gone: null, x: 1 } })).toEqual({ x: 1, gone: 'absent' })
  })

  it.each<[string, object]>([
    ['a ConfigMap', configMap({ name: 'absent' })],
    ['a key of a ConfigMap', configMap({ key: 'absent' })],
    ['a Secret', secret({ name: 'absent' })],
    ['a map in a Secret', secret({ name: 'odd' })],
    ['a page', { externalSourceRef: { url: `nowhere` } }],
    ['a file of the chart', { chartFileRef: { path: 'absent.yaml' } }],
    ['a file inside the chart', { chartFileRef: { path: '../../../../../etc/passwd' } }],
  ])('may be without %s only where that is optional', async (_what, entry) => {
    const valuesFrom = (optional: boolean) =>
      Object.entries(entry).map(([key, ref]) => ({ [key]: { ...(ref as object), optional } }))
    expect(await outcome('maybe', { valuesFrom: [configMap({}), ...valuesFrom(true)] })).toEqual(plain)
    const message = await outcome('maybe', { valuesFrom: [configMap({}), ...valuesFrom(false)] })
    expect(message).toMatch(/^InvalidValues: /)
    expect(message).not.toContain('hunter2')
  })

  it('are those of the release before too with resetValues: false, and no longer when that is taken back', async () => {
    const args = ['kept', 'demo', '--repo', bench.charts.url, '--version', '1.0.0']
    await bench.helm('install', ...args, '--set', 'mine=1')
    expect(await outcome('kept', { resetValues: false })).toEqual({ mine: 1 })
    expect(await outcome('kept', { resetValues: false, values: { x: 1 } })).toEqual({ mine: 1, x: 1 })
    expect(await outcome('kept', { values: { x: 1 } })).toEqual({ x: 1 })
  })

  it('say what a server answered, and nothing of a login in the URL', async () => {
    const login = url.replace('//', '//me:hunter2hunter2@')
    const message = await outcome('lost', {
      valuesFrom: [{ externalSourceRef: { url: `${login}/absent?token=hunter2` } }],
    })
    expect(message).toBe(`InvalidValues: the external source ${url}/absent was answered with 404`)
  })

  it('never come from the address of a metadata service', async () => {
    const message = await outcome('meta', {
      valuesFrom: [{ externalSourceRef: { url: 'http://169.254.169.254/latest' } }],
    })
    expect(message).toMatch(/not allowed/)
  })
})
