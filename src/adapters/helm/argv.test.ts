import { describe, expect, it } from 'vitest'
import { AppError } from '../../domain/error.ts'
import { installArgs, readMajor, rollbackArgs, takesEdits, testArgs, uninstallArgs, upgradeArgs } from './argv.ts'

const target = { release: 'web', namespace: 'a', timeoutSeconds: 300 }
const write = {
  ...target,
  chartPath: '/charts/x',
  values: { password: 'secret' },
  wait: false,
  skipCrds: false,
  disableOpenApiValidation: false,
}

describe('arguments of helm (helm-operator, part 2, §3.1)', () => {
  it.each([
    [
      'install',
      installArgs(write, '/v', 3),
      'install web /charts/x --namespace a --timeout 300s --values /v --output json',
    ],
    [
      'install with everything',
      installArgs({ ...write, wait: true, skipCrds: true, disableOpenApiValidation: true }, '/v', 3),
      'install web /charts/x --namespace a --timeout 300s --values /v --output json --wait --disable-openapi-validation --skip-crds',
    ],
    [
      'install with the rights of an account',
      installArgs({ ...write, account: { namespace: 'b', serviceAccount: 'bot' } }, '/v', 3),
      'install web /charts/x --namespace a --timeout 300s --kube-as-user=system:serviceaccount:b:bot --values /v --output json',
    ],
    [
      'upgrade',
      upgradeArgs({ ...write, resetValues: true, force: false, maxHistory: 10 }, '/v', 3),
      'upgrade web /charts/x --namespace a --timeout 300s --values /v --output json --history-max=10 --reset-values',
    ],
    [
      'upgrade that keeps values',
      upgradeArgs({ ...write, resetValues: false, force: true, maxHistory: 0 }, '/v', 3),
      'upgrade web /charts/x --namespace a --timeout 300s --values /v --output json --history-max=0 --reuse-values --force',
    ],
    [
      'rollback',
      rollbackArgs({ ...target, revision: 3, wait: true, force: true, recreatePods: true, disableHooks: true }, 3),
      'rollback web 3 --namespace a --timeout 300s --history-max=0 --wait --force --recreate-pods --no-hooks',
    ],
    [
      'install of helm 4',
      installArgs({ ...write, wait: true }, '/v', 4),
      'install web /charts/x --namespace a --timeout 300s --values /v --output json --server-side=false --wait=legacy',
    ],
    [
      'upgrade of helm 4',
      upgradeArgs({ ...write, resetValues: true, force: true, maxHistory: 10 }, '/v', 4),
      'upgrade web /charts/x --namespace a --timeout 300s --values /v --output json --server-side=false --history-max=10 --reset-values --force-replace',
    ],
    [
      'rollback of helm 4',
      rollbackArgs({ ...target, revision: 3, wait: true, force: true, recreatePods: true, disableHooks: true }, 4),
      'rollback web 3 --namespace a --timeout 300s --history-max=0 --server-side=false --wait=legacy --force-replace --no-hooks',
    ],
    ['test', testArgs(target), 'test web --namespace a --timeout 300s'],
    ['uninstall', uninstallArgs(target), 'uninstall web --namespace a --timeout 300s'],
  ])('%s', (_name, args, expected) => {
    expect(args.join(' ')).toBe(expected)
    expect(args.join(' ')).not.toContain('secret')
  })

  it.each([['-n'], ['--post-renderer=/bin/sh'], ['a b'], ['a/b'], ['Web'], [''], ['x'.repeat(54)], ['web\n']])(
    'refuses the name %j',
    (name) => {
      expect(() => testArgs({ ...target, release: name })).toThrow(AppError)
      if (name.length < 54) expect(() => testArgs({ ...target, namespace: name })).toThrow(AppError)
    },
  )
})

it.each([
  ['v3.22.0+g1234abc', 3],
  ['v4.3', 4],
  ['Client: v2.17.0+ga690bad', 2],
  ['WARNING: a file is group-readable\nv3.1.0', 3],
  ['', undefined],
  ['bash: helm', undefined],
])('%j is helm %s', (text, major) => {
  expect(readMajor(text)).toBe(major)
})

it.each([
  ['v3.22.0+g1', true],
  ['v3.9.0', true],
  ['v3.8.2+g6e3701e', false],
  ['v4.9.1', false],
  ['Client: v2.17.0', false],
  ['', false],
])('of %j, an edit is asked for: %s', (version, takes) => {
  expect(takesEdits(version)).toBe(takes)
})
