import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRegistry, type Registry } from '../../src/adapters/registry/index.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { stack } from '../stack/stack.ts'
import { pushImage } from './push-image.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const access = { insecure: true }
const path = `test-${randomBytes(4).toString('hex')}/app`
let registry: Registry
let repository: string
let host: string

beforeAll(() => {
  host = stack().registry
  repository = `${host}/${path}`
  registry = createRegistry({ log: silent })
})
afterAll(() => registry.close())

describe('the real registry', () => {
  it('knows no tags of a repository that is not there', async () => {
    expect(await registry.tags(`${repository}/nothing`, access)).toEqual([])
    expect(await registry.digest(repository, 'nothing', access)).toBeUndefined()
    expect(await registry.describe(repository, 'nothing', access)).toBeUndefined()
  })

  it.each(['oci', 'docker'] as const)('describes an image of type %s', async (type) => {
    const digest = await pushImage(host, path, `one-${type}`, { created: '2026-01-02T03:04:05.678Z', type })
    expect(await registry.tags(repository, access)).toContain(`one-${type}`)
    expect(await registry.digest(repository, `one-${type}`, access)).toBe(digest)
    const created = Date.parse('2026-01-02T03:04:05.678Z')
    expect(await registry.describe(repository, `one-${type}`, access)).toEqual({ digest, created })
  })

  it.each(['oci', 'docker'] as const)('takes linux/amd64 out of a list of type %s', async (type) => {
    const platforms = [
      { os: 'unknown', architecture: 'unknown', created: '2020-01-01T00:00:00Z' },
      { os: 'linux', architecture: 'arm64', created: '2021-01-01T00:00:00Z' },
      { os: 'linux', architecture: 'amd64', created: '2022-01-01T00:00:00Z' },
    ]
    const digest = await pushImage(host, path, `list-${type}`, { platforms, type })
    const created = Date.parse('2022-01-01T00:00:00Z')
    expect(await registry.describe(repository, `list-${type}`, access)).toEqual({ digest, created })
  })

  it('takes the first of a list without linux/amd64', async () => {
    const platforms = [
      { os: 'unknown', architecture: 'unknown' },
      { os: 'linux', architecture: 'arm64', created: '2021-01-01T00:00:00Z' },
    ]
    const digest = await pushImage(host, path, 'arm', { platforms })
    const created = Date.parse('2021-01-01T00:00:00Z')
    expect(await registry.describe(repository, 'arm', access)).toEqual({ digest, created })
  })

  it.each([
    ['no time', undefined],
    ['the year 1', '0001-01-01T00:00:00Z'],
    ['nonsense', 'yesterday'],
  ])('an image with %s has a digest only', async (_, created) => {
    const digest = await pushImage(host, path, 'timeless', created === undefined ? {} : { created })
    expect(await registry.describe(repository, 'timeless', access)).toEqual({ digest })
  })

  it('tells the time in a label beside that of the configuration', async () => {
    const labels = {
      'org.label-schema.build-date': '2019-01-01T00:00:00Z',
      'org.opencontainers.image.created': '2020-01-01T00:00:00Z',
    }
    const digest = await pushImage(host, path, 'labelled', { created: '2026-01-01T00:00:00Z', labels })
    expect(await registry.describe(repository, 'labelled', access)).toEqual({
      digest,
      created: Date.parse('2026-01-01T00:00:00Z'),
      labelled: Date.parse('2020-01-01T00:00:00Z'),
    })
  })

  it('passes over a label that is no time', async () => {
    const labels = {
      'org.opencontainers.image.created': 'yesterday',
      'org.label-schema.build-date': '2019-01-01T00:00:00Z',
    }
    await pushImage(host, path, 'mislabelled', { labels })
    const found = await registry.describe(repository, 'mislabelled', access)
    expect(found?.labelled).toBe(Date.parse('2019-01-01T00:00:00Z'))
  })

  it('sees that a tag was moved', async () => {
    const first = await pushImage(host, path, 'moving', { created: '2026-01-01T00:00:00Z' })
    expect(await registry.digest(repository, 'moving', access)).toBe(first)
    const second = await pushImage(host, path, 'moving', { created: '2026-01-02T00:00:00Z' })
    expect(await registry.digest(repository, 'moving', access)).toBe(second)
    expect(second).not.toBe(first)
  })

  it('says who refuses the connection', async () => {
    const gone = registry.tags('127.0.0.1:1/app', { insecure: false })
    await expect(gone).rejects.toMatchObject({
      reason: 'RegistryUnreachable',
      message: '127.0.0.1:1: refused the connection',
    })
  })

  it('does not speak plain HTTP to a host that was not said to be insecure', async () => {
    await expect(registry.tags(repository, { insecure: false })).rejects.toMatchObject({
      reason: 'RegistryUnreachable',
    })
  })

  it('ends at once when the job is aborted', async () => {
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(registry.tags(repository, access, signal)).rejects.toThrow('stopped')
  })
})
