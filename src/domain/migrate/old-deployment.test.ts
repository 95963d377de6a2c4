import { expect, it } from 'vitest'
import { fluxd, operator } from '../../../test/migrate/shapes.ts'
import type { KubeObject } from '../manifest/object.ts'
import { keyOf, readOldDeployment } from './old-deployment.ts'

/** The same under another image. */
function mirrored(object: KubeObject): KubeObject {
  return JSON.parse(JSON.stringify(object).replace(/"image":"[^"]*"/, '"image":"mirror.example/x/y:1"')) as KubeObject
}
const plain: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'flux', namespace: 'a' },
  spec: { template: { spec: { containers: [{ name: 'flux', image: 'nginx', args: ['--verbose'] }] } } },
}

it.each([
  ["fluxd's image", fluxd(), 'fluxd'],
  ["the Operator's image", operator(), 'helm-operator'],
  ['an image under another name, by container and flags', mirrored(fluxd()), 'fluxd'],
  [
    'the Operator under another name',
    JSON.parse(
      JSON.stringify(mirrored(operator())).replace(
        '"name":"helm-operator","image"',
        '"name":"flux-helm-operator","image"',
      ),
    ) as KubeObject,
    'helm-operator',
  ],
  ['a container that is only called flux', plain, undefined],
])('knows %s', (_fact, object, ancestor) => expect(readOldDeployment(object)?.ancestor).toBe(ancestor))

it('reads how many run, and how many did before a move', () => {
  const { metadata } = fluxd()
  const moved = { ...fluxd(), spec: { ...(fluxd().spec as object), replicas: 0 } }
  const noted = { ...moved, metadata: { ...metadata, annotations: { 'capstan.dev/migrated-replicas': '1' } } }
  expect(readOldDeployment(fluxd())).toMatchObject({ replicas: 1, remembered: undefined })
  expect(readOldDeployment(noted)).toMatchObject({ replicas: 0, remembered: 1 })
})

it('reads under which key a mounted file lies', () => {
  const secret = { secretName: 's', items: [{ key: '.dockerconfigjson', path: 'config.json' }] }
  const [mount] = (
    readOldDeployment(
      fluxd({
        mounts: [
          [
            { name: 'd', secret },
            { name: 'd', mountPath: '/dockercfg/' },
          ],
        ],
      }),
    )?.mounts ?? []
  ).slice(-1)
  expect(mount).toMatchObject({ path: '/dockercfg', kind: 'Secret', name: 's' })
  expect(mount && [keyOf(mount, 'config.json'), keyOf(mount, 'other')]).toEqual(['.dockerconfigjson', 'other'])
})
