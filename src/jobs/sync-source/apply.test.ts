import { describe, expect, it } from 'vitest'
import { createFakeCluster } from '../../../test/fakes/cluster.ts'
import { AppError } from '../../domain/error.ts'
import { type KubeObject, refOf } from '../../domain/manifest/object.ts'
import { liveObject } from '../../domain/plan/live.ts'
import { applyOne, type Writing } from './apply.ts'

const definition: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Thing', plural: 'things' },
    versions: [
      { name: 'v1', served: true },
      { name: 'v2', served: true },
      { name: 'v0', served: false },
    ],
  },
}

const writing: Writing = {
  key: 'key',
  ref: refOf(definition),
  digest: 'digest',
  file: 'crd.yaml',
  line: 1,
  body: JSON.stringify(definition),
  mark: 'mark',
  live: undefined,
  takeOver: false,
  leaveAlone: [],
  contested: false,
  left: '',
}

/** Applies the definition where discovery answers so after that many pauses; gives what was asked for, pause by pause. */
async function asked(answer: (kind: string, pauses: number) => boolean): Promise<string[]> {
  const cluster = createFakeCluster()
  const said = ['']
  const written = await applyOne(
    writing,
    {
      cluster: Object.assign(cluster, {
        async resource(apiVersion: string, kind: string) {
          said[said.length - 1] += ` ${apiVersion}`
          if (!answer(apiVersion, said.length - 1)) return undefined
          const [group = '', version = ''] = apiVersion.split('/')
          return { group, version, kind, plural: 'things', namespaced: true, verbs: [] }
        },
      }),
      fence: { epoch: 'test', check() {}, isDead: async () => true },
      owned: { note: liveObject },
      pause: async () => void said.push(''),
    },
    new AbortController().signal,
  )
  expect(written.change.action).toBe('created')
  return said
}

describe('a definition that was applied', () => {
  it('is waited for until every version is served, though it is established before', async () => {
    expect(await asked((apiVersion, pauses) => pauses >= (apiVersion.endsWith('v2') ? 2 : 1))).toEqual([
      ' example.com/v1',
      ' example.com/v1 example.com/v2',
      ' example.com/v1 example.com/v2',
    ])
  })

  it('is waited for while its new group does not answer', async () => {
    const said = await asked((_, pauses) => {
      if (pauses === 0) throw new AppError('ClusterUnavailable', 'not yet')
      return true
    })
    expect(said).toHaveLength(2)
  })

  it('is waited for no longer than 30 s', async () => {
    expect(await asked(() => false)).toHaveLength(301)
  })
})
