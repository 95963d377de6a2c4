import { describe, expect, it } from 'vitest'
import { describedKey, printDescribed, type TagFact, tagsKey } from '../../src/domain/image/facts.ts'
import { send } from './flux-send.ts'
import { authorized, createWorkbench } from './workbench.ts'

const repository = 'registry.example/web'
const digest = `sha256:${'a'.repeat(64)}`
const at = '2026-11-21T10:00:00Z'
const refused = { at, reason: 'RegistryAuthFailed', message: 'registry.example refuses the login as robot' }
const day = (date: string) => Date.parse(`2020-03-${date}T13:53:00Z`)

type Given = { tags?: readonly string[]; failure?: typeof refused; times?: Record<string, Partial<TagFact>> }

/** What both APIs say of the one container that runs 1.9.0. */
async function imagesOf({ tags, failure, times = {} }: Given, usesLabels = false) {
  const bench = createWorkbench({ images: { isScanned: () => true, usesLabels: () => usesLabels } })
  bench.objects.push({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'shop', name: 'web' },
    spec: { template: { spec: { containers: [{ name: 'main', image: `${repository}:1.9.0` }] } } },
  })
  const stored = { at: tags ? at : '', tags: tags ?? [], ...(failure ? { failure } : {}) }
  if (tags || failure) await bench.store.set(tagsKey(repository), JSON.stringify(stored))
  const described = Object.entries(times).map(
    ([tag, fact]) => [tag, { digest, readAt: 0, holdsMs: 1, ...fact }] as const,
  )
  await bench.store.set(describedKey(repository), printDescribed(new Map(described)))
  const own = await bench.app.inject({ url: '/api/v1/images', headers: authorized })
  const flux = await send(bench, '/v10/images?namespace=shop')
  return {
    own: own.json().images[0].containers[0],
    flux: flux.json()[0].Containers[0],
    asked: bench.queue.requests.map(({ kind, name }) => `${kind} ${name}`),
  }
}

describe('a list of images', () => {
  const tags = ['0.1.0', '0.2.0', '1.9.0', '2.0.0']

  it('names no newest and counts none that are newer before their times are known, and has them looked at', async () => {
    const { own, flux, asked } = await imagesOf({ tags })
    const order = tags.toReversed()
    expect(own).toMatchObject({ wanted: '', problem: '', tags: order.map((tag) => ({ tag })) })
    expect(own).not.toHaveProperty('newer')
    expect(own).not.toHaveProperty('newerWanted')
    expect(flux).toEqual({
      Name: 'main',
      Current: { ID: `${repository}:1.9.0` },
      Available: order.map((tag) => ({ ID: `${repository}:${tag}` })),
      AvailableImagesCount: 4,
      FilteredImagesCount: 4,
    })
    expect(asked).toEqual([`scan-image ${repository}`])
  })

  it('says why a registry could not be read, and has it asked again', async () => {
    const { own, flux, asked } = await imagesOf({ failure: refused })
    expect([own.problem, flux.AvailableError]).toEqual([refused.message, refused.message])
    expect(asked).toEqual([`scan-image ${repository}`])
  })

  it('shows what was known before a registry could not be read, and says that too', async () => {
    const { own, flux } = await imagesOf({ tags, failure: refused })
    expect([own.problem, flux.AvailableError]).toEqual([refused.message, refused.message])
    expect(flux.Available).toHaveLength(4)
  })

  const built = { created: day('01') }
  const times = {
    '1.9.0': { ...built, labelled: day('20') },
    '2.0.0': { ...built, labelled: day('21') },
    '0.1.0': { ...built, labelled: day('11') },
    '0.2.0': { ...built, labelled: day('12') },
  }
  it.each([
    [true, ['2.0.0', '1.9.0', '0.2.0', '0.1.0'], '2020-03-20T13:53:00.000Z', 1],
    [false, ['0.1.0', '0.2.0', '1.9.0', '2.0.0'], '2020-03-01T13:53:00.000Z', 2],
  ])('goes by the labels of a repository where they count: %s', async (usesLabels, order, CreatedAt, newer) => {
    const { own, flux } = await imagesOf({ tags, times }, usesLabels)
    expect([own.wanted, own.newer, own.tags.map(({ tag }: { tag: string }) => tag)]).toEqual([order[0], newer, order])
    expect(flux).toMatchObject({
      Current: { CreatedAt },
      LatestFiltered: { ID: `${repository}:${order[0]}` },
      NewAvailableImagesCount: newer,
    })
  })
})
