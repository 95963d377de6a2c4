import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { emptyAnswer } from '../../src/domain/image/answer.ts'
import { describedKey, printDescribed, tagsKey } from '../../src/domain/image/facts.ts'
import { requestIdOf } from '../../src/domain/work/request.ts'
import type { UpdateResult } from '../../src/domain/work/update-spec.ts'
import { createFluxctl, createOwnFluxctl, type Fluxctl, rowsOf } from './fluxctl.ts'
import { createWorkbench, token } from './workbench.ts'

/** No dot, a port, and one name behind it: fluxctl 1.25 finds one `:` too many in it. */
const local = 'registry:5000/app'
const usual = 'quay.io/team/app'
const [odd, even] = ['shop:deployment/odd', 'shop:deployment/usual']

describe('an image that fluxctl 1.25 cannot read', () => {
  const bench = createWorkbench()
  let [theirs, ours] = [] as unknown as [Fluxctl, Fluxctl]

  beforeAll(async () => {
    for (const [name, image] of [
      ['odd', local],
      ['usual', usual],
    ])
      bench.objects.push({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { namespace: 'shop', name: name ?? '' },
        spec: { template: { spec: { containers: [{ name: 'app', image: `${image}:1.0` }] } } },
      })
    const created = Date.parse('2020-03-20T13:53:00Z')
    const described = new Map(['1.0', '1.1'].map((tag) => [tag, { digest: '', created, readAt: 0, holdsMs: 1 }]))
    for (const repository of [local, usual]) {
      const tags = { at: '2020-03-20T13:53:00Z', tags: [...described.keys()] }
      await bench.store.set(tagsKey(repository), JSON.stringify(tags))
      await bench.store.set(describedKey(repository), printDescribed(described))
    }
    const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
    const env = { FLUX_URL: `${url}/api/flux`, FLUX_SERVICE_TOKEN: token }
    theirs = createFluxctl(env)
    ours = createOwnFluxctl(env)
  })
  afterAll(async () => {
    theirs?.stop()
    ours?.stop()
    await bench.app.close()
  })

  it('stands in the list of workloads beside the others', async () => {
    const args = ['list-workloads', '-n', 'shop']
    const { code, stdout } = await theirs.run(...args)
    expect([code, rowsOf(stdout).map((cells) => cells.slice(0, 3))]).toEqual([
      0,
      [
        ['WORKLOAD', 'CONTAINER', 'IMAGE'],
        [odd, 'app', `${local}:1.0`],
        [even, 'app', `${usual}:1.0`],
      ],
    ])
    expect(await ours.run(...args)).toMatchObject({ code: 0, stdout })
  })

  it('stands in the list of images beside the others; the program of ours shows its tags too', async () => {
    const args = ['list-images', '-n', 'shop', '--no-headers']
    const { code, stdout } = await theirs.run(...args)
    const rows = rowsOf(stdout)
    expect([code, rows[0], rows.findIndex(([id]) => id === even)]).toEqual([0, [odd, 'app', `${local}:1.0`], 3])
    const own = await ours.run(...args)
    expect(own.code).toBe(0)
    const [first, ...shown] = rowsOf(own.stdout)
    expect(first).toEqual([odd, 'app', local])
    expect(shown.slice(0, 2).map((cells) => cells.slice(-2))).toEqual([
      ["'-> 1.0", '20 Mar 20 13:53 UTC'],
      ['1.1', '20 Mar 20 13:53 UTC'],
    ])
  })

  /** Does what a worker does with the next request. */
  async function answer(result: UpdateResult): Promise<void> {
    const asked = bench.queue.requests.length
    const id = await until('the request', async () => requestIdOf(bench.queue.requests[asked]?.name ?? ''))
    const request = await bench.requests.find(id)
    if (!request) throw new Error('there is no request')
    await bench.requests.putAnswer({ ...emptyAnswer(request, 'done'), result })
    await bench.requests.end(request)
  }

  it('is released, and the table says from which tag to which', async () => {
    const change = (image: string) => ({
      Status: 'success' as const,
      PerContainer: [{ Container: 'app', Current: `${image}:1.0`, Target: `${image}:1.1` }],
    })
    for (const fluxctl of [theirs, ours]) {
      const answered = answer({ [odd]: change(local), [even]: change(usual) })
      const { code, stdout, stderr } = await fluxctl.run('release', '--all', '--update-all-images', '--dry-run')
      await answered
      expect([code, rowsOf(stdout), stderr]).toEqual([
        0,
        [
          ['WORKLOAD', 'STATUS', 'UPDATES'],
          [odd, 'success', `app: ${local}:1.0 -> 1.1`],
          [even, 'success', `app: ${usual}:1.0 -> 1.1`],
        ],
        'Submitting dry-run release ...\n',
      ])
    }
  })

  it('may be named to the program of ours', async () => {
    const answered = answer({ [odd]: { Status: 'skipped', Error: 'image(s) up to date' } })
    const { code, stdout } = await ours.run('release', '--all', '-i', `${local}:1.0`, '--dry-run', '-v')
    await answered
    expect([code, rowsOf(stdout)[1]]).toEqual([0, [odd, 'skipped', 'image(s) up to date']])
  })
})
