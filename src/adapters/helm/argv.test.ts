import { describe, expect, it } from 'vitest'
import { AppError } from '../../domain/error.ts'
import { installArgs, rollbackArgs, testArgs, uninstallArgs, upgradeArgs } from './argv.ts'

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
      installArgs(write, '/v'),
      'install web /charts/x --namespace a --timeout 300s --values /v --output json',
    ],
    [
      'install with everything',
      installArgs({ ...write, wait: true, skipCrds: true, disableOpenApiValidation: true }, '/v'),
      'install web /charts/x --namespace a --timeout 300s --values /v --output json --wait --disable-openapi-validation --skip-crds',
    ],
    [
      'install with the rights of an account',
      installArgs({ ...write, account: { namespace: 'b', serviceAccount: 'bot' } }, '/v'),
      'install web /charts/x --namespace a --timeout 300s --kube-as-user=system:serviceaccount:b:bot --values /v --output json',
    ],
    [
      'upgrade',
      upgradeArgs({ ...write, resetValues: true, force: false, maxHistory: 10 }, '/v'),
      'upgrade web /charts/x --namespace a --timeout 300s --values /v --output json --history-max=10 --reset-values',
    ],
    [
      'upgrade that keeps values',
      upgradeArgs({ ...write, resetValues: false, force: true, maxHistory: 0 }, '/v'),
      'upgrade web /charts/x --namespace a --timeout 300s --values /v --output json --history-max=0 --reuse-values --force',
    ],
    [
      'rollback',
      rollbackArgs({ ...target, revision: 3, wait: true, force: true, recreatePods: true, disableHooks: true }),
      'rollback web 3 --namespace a --timeout 300s --history-max=0 --wait --force --recreate-pods --no-hooks',
    ],
    ['test', testArgs(target), 'test web --namespace a --timeout 300s'],
    ['uninstall', uninstallArgs(target), 'uninstall web --namespace a --timeout 300s --ignore-not-found'],
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
