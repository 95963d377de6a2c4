import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { decodeStoredRelease, markFailed, summariseStoredRelease } from './stored-release.ts'

const stored = {
  name: 'web',
  version: 2,
  info: { status: 'pending-upgrade', first_deployed: '2026-01-01T00:00:00Z' },
  config: { a: 1 },
  manifest: '---\n# Source: x\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n',
  hooks: [
    {
      name: 't',
      manifest: 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n',
      events: ['test'],
      delete_policies: null,
    },
  ],
  chart: {
    metadata: { name: 'demo', version: '1.0.0' },
    values: { b: 2 },
    templates: [{ name: 'templates/x.yaml', data: Buffer.from('t').toString('base64') }],
    files: null,
  },
}

function secret(content: unknown, zip = true): KubeObject {
  const json = Buffer.from(JSON.stringify(content))
  const inner = (zip ? gzipSync(json) : json).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'sh.helm.release.v1.web.v2', labels: { owner: 'helm', status: 'pending-upgrade' } },
    type: 'helm.sh/release.v1',
    data: { release: Buffer.from(inner).toString('base64') },
  }
}

const expected = {
  config: { a: 1 },
  chartName: 'demo',
  chartVersion: '1.0.0',
  appVersion: '',
  chartValues: { b: 2 },
  files: new Map([['templates/x.yaml', 't']]),
  objects: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x' }],
  hooks: [{ ref: { apiVersion: 'v1', kind: 'Pod', name: 't' }, events: ['test'], policies: [] }],
  manifest: `${stored.manifest}\n---\n${stored.hooks[0]?.manifest}`,
}

describe('decodeStoredRelease', () => {
  it.each([
    ['gzipped', true],
    ['as very old ones are', false],
  ])('reads a release %s', (_name, zip) => {
    expect(decodeStoredRelease(secret(stored, zip))).toEqual(expected)
  })

  it('gives nothing for another Secret', () => {
    expect(decodeStoredRelease({ ...secret(stored), data: { release: 'bm90' } })).toBeUndefined()
    expect(decodeStoredRelease({ ...secret(stored), data: {} })).toBeUndefined()
    expect(decodeStoredRelease(secret(null))).toBeUndefined()
  })

  const odd = [null, 5, 'x', {}, [null], true]
  it.each(odd.map((value) => [JSON.stringify(value), value]))(
    'leaves out what is not as helm writes it: %s',
    (_text, value) => {
      const parts = ['info', 'config', 'manifest', 'hooks', 'chart']
      const read = parts.map((part) => decodeStoredRelease(secret({ ...stored, [part]: value })))
      expect(read.map((release) => Array.isArray(release?.objects))).toEqual(parts.map(() => true))
      const chart = { metadata: { name: value, version: value, appVersion: value }, templates: value, files: value }
      const about = secret({ ...stored, chart, hooks: [{ events: value, delete_policies: value, manifest: value }] })
      expect(decodeStoredRelease(about)).toMatchObject({ chartName: expect.any(String), hooks: [] })
      expect(Object.values(summariseStoredRelease(about) ?? {}).map((text) => typeof text)).toEqual(
        Array(4).fill('string'),
      )
    },
  )
})

it('summarises a revision without what an error said', () => {
  const info = { last_deployed: '2026-01-02T00:00:00+01:00', description: 'Upgrade "web" failed: hunter2 is wrong' }
  expect(summariseStoredRelease(secret({ ...stored, info }))).toEqual({
    chart: 'demo@1.0.0',
    appVersion: '',
    updatedAt: '2026-01-01T23:00:00.000Z',
    description: 'Upgrade "web" failed',
  })
  expect(summariseStoredRelease({ ...secret(stored), data: {} })).toBeUndefined()
})

it('marks a revision failed and keeps the rest', () => {
  const failed = markFailed(secret(stored), 'why')
  expect(failed?.metadata.labels).toEqual({ owner: 'helm', status: 'failed' })
  expect(failed && decodeStoredRelease(failed)).toEqual(expected)
  expect(markFailed({ ...secret(stored), data: {} }, 'why')).toBeUndefined()
})
