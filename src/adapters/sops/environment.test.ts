import { describe, expect, it } from 'vitest'
import { sopsEnvironment } from './environment.ts'

describe('the environment of sops', () => {
  it('has the keys and key services of the operator, and a home of its own', () => {
    const operator = {
      PATH: '/usr/bin',
      HOME: '/root',
      SOPS_AGE_KEY_FILE: '/keys/age',
      GNUPGHOME: '/keys/gpg',
      AWS_ROLE_ARN: 'arn',
      AZURE_CLIENT_ID: 'id',
      VAULT_ADDR: 'https://vault',
      GOOGLE_APPLICATION_CREDENTIALS: '/keys/gcp',
      https_proxy: 'http://proxy',
    }
    expect(sopsEnvironment(operator, '/private')).toEqual({ ...operator, HOME: '/private' })
  })

  it.each([
    'CAPSTAN_TOKEN',
    'REDIS_URL',
    'KUBERNETES_SERVICE_HOST',
    'LD_PRELOAD',
    'SOPS_GPG_EXEC',
    'SOPS_AGE_KEY_CMD',
    'SOPS_AGE_SSH_PRIVATE_KEY_CMD',
    'EDITOR',
    'XAWS_KEY',
  ])('has no %s', (name) => {
    expect(sopsEnvironment({ [name]: 'x', PATH: undefined }, '/private')).toEqual({ HOME: '/private' })
  })
})
