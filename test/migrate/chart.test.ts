import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type MoveFacts, planMove } from '../../src/domain/migrate/plan-move.ts'
import type { Values } from '../../src/domain/migrate/values.ts'
import { loadConfig } from '../../src/config/load.ts'
import { argvOf, chart, objectsOf, podsOf } from '../packaging/chart.ts'
import { stack } from '../stack/stack.ts'
import { factsOf, hostKeys, noReleases, rows } from './rows.ts'
import { fluxd, operator } from './shapes.ts'

const https = factsOf(fluxd({ args: ['--git-url=https://git.example/a.git'] }))
const withKey = factsOf(
  operator({
    mounts: [
      [
        { name: 'sshdir', configMap: { name: 'flux-ssh-config' } },
        { name: 'sshdir', mountPath: '/root/.ssh' },
      ],
    ],
  }),
  { more: [hostKeys, ['Secret/helm-operator-git-deploy', { keys: ['identity'], goesWithAncestor: false, data: {} }]] },
)
const env: Record<string, string> = {
  GIT_AUTHUSER: 'me',
  GIT_AUTHKEY: 'geheim',
  CAPSTAN_REDIS_URL: 'redis://redis:6379',
  KUBERNETES_SERVICE_HOST: '10.0.0.1',
}

function valuesOf(halves: MoveFacts['halves']): Values {
  return planMove({ halves, releases: noReleases, installed: undefined, goOn: new Set() }).values
}

/** What the chart makes of them, by the real helm, with its schema. */
async function rendered(values: Values): Promise<string> {
  const running = promisify(execFile)(stack().helm, ['template', 'capstan', chart, '--namespace', 'flux', '--values=-'])
  running.child.stdin?.end(JSON.stringify(values))
  return (await running).stdout
}

describe('the values of a move, given to the chart', () => {
  it.each([
    ...rows.map(([fact, object]) => [fact, valuesOf([factsOf(object, { more: [hostKeys] })])] as const),
    [
      'a password in the URL',
      valuesOf([factsOf(fluxd({ args: ['--git-url=https://me:secret@git.example/a.git'] }))]),
    ] as const,
    [
      'rights in some namespaces',
      valuesOf([
        factsOf(fluxd({ args: ['--k8s-allow-namespace=a,flux'] }), { isClusterWide: false }),
        factsOf(operator({ args: ['--allow-namespace=flux'] }), { isClusterWide: false }),
      ]),
    ] as const,
    ['both ancestors', valuesOf([factsOf(fluxd()), factsOf(operator())])] as const,
    ['an ssh key of charts beside an https repository', valuesOf([https, withKey])] as const,
  ])('%s: make flags that Capstan takes', async (_fact, values) => {
    const argv = argvOf(podsOf(objectsOf(await rendered(values))).get('all'))
    expect(argv).toContain(`--enable=${(values.enable as string[]).join(',')}`)
    // as the kubelet does
    const expanded = argv.map((word) => word.replaceAll(/\$\((\w+)\)/g, (_whole, name: string) => env[name] ?? ''))
    expect(loadConfig({ argv: expanded, env })).toHaveProperty('config')
  })

  it.each([
    ['the Helm Operator alone', [withKey]],
    ['a fluxd with https beside it', [https, withKey]],
  ])('%s: charts keep their ssh key and host keys', async (_fact, halves) => {
    const pod = podsOf(objectsOf(await rendered(valuesOf(halves)))).get('all')
    expect(argvOf(pod)).toContain('--git-ssh-known-hosts-file=/etc/capstan/ssh/known_hosts')
    expect(JSON.stringify(pod)).toContain('"secretName":"helm-operator-git-deploy"')
  })
})
