import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type KubeObject, objectsOf, render, valuesFile } from './chart.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-golden-'))
  await writeFile(join(folder, 'defaults.yaml'), '{}\n')
})

afterAll(async () => await rm(folder, { recursive: true, force: true }))

/** By kind and name, so that a moved template is no change; made-up secrets and long files left out. */
function comparable(objects: readonly KubeObject[]): string {
  const key = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace ?? ''} ${metadata.name}`
  return objects
    .toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
    .map((object) => stringify(JSON.parse(JSON.stringify(object, shorten)), { lineWidth: 0 }))
    .join('---\n')
}

function shorten(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (['token', 'webhook-secret', 'password'].includes(key)) return '(made)'
  if (key === 'checksum/config') return '(of the files)'
  if (key.endsWith('.json')) return '(a dashboard)'
  return value.replace(/\b[A-Za-z0-9]{43}\b/g, '(made)')
}

describe('what the chart makes (mend: run this file with --update)', () => {
  it.each(['defaults', 'split', 'namespaces', 'fluxd', 'helm-operator'])('of the values %s', async (name) => {
    const file = name === 'defaults' ? join(folder, 'defaults.yaml') : valuesFile(name)
    const objects = objectsOf(await render('capstan-system', '--values', file))
    await expect(comparable(objects)).toMatchFileSnapshot(`golden/${name}.yaml`)
  })
})
