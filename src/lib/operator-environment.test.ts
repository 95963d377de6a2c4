import { describe, expect, it } from 'vitest'
import { operatorEnvironment } from './operator-environment.ts'

describe('the environment of generators', () => {
  it.each([
    'CLUSTER',
    'AWS_REGION',
    'https_proxy',
    'NO_PROXY',
    'SOPS_AGE_KEY_FILE',
    'LANG',
    'GIT_SSL_CAINFO',
    'FLUX_CLUSTER',
    'MYREDISH',
  ])('has %s, which the operator set', (name) => {
    expect(operatorEnvironment({ [name]: 'x' })).toMatchObject({ [name]: 'x' })
  })

  it.each([
    'KUBERNETES_SERVICE_HOST',
    'KUBERNETES_PORT_443_TCP',
    'KUBECONFIG',
    'CAPSTAN_TOKEN_FILE',
    'CAPSTAN_REDIS_URL',
    'GIT_AUTHKEY',
    'GIT_AUTHUSER',
    'REDIS_URL',
    'REDIS_PASSWORD',
    'FLUX_REDIS_SERVICE_HOST',
    'HOME',
    'TMPDIR',
    'PWD',
    'NODE_OPTIONS',
    'LD_PRELOAD',
  ])('has not %s', (name) => {
    expect(operatorEnvironment({ [name]: 'x' })).not.toHaveProperty(name)
  })

  it('always has a PATH, the operator’s if there is one', () => {
    expect(operatorEnvironment({}).PATH).toContain('/usr/bin')
    expect(operatorEnvironment({ PATH: '/opt/bin' })).toEqual({ PATH: '/opt/bin' })
  })
})
