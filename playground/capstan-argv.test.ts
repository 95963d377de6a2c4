import { expect, it } from 'vitest'
import { capstanArgv } from './capstan-argv.ts'

const settings = {
  gitUrl: 'http://127.0.0.1:20001/sample.git',
  gitBranch: 'main',
  gitPaths: ['cluster', 'more'],
  kubeconfig: '/s/kubeconfig',
  redisUrl: 'redis://127.0.0.1:20002',
  registry: '127.0.0.1:20003',
  listen: '127.0.0.1:3030',
  stateDir: '/s/capstan',
  tokenFile: '/s/token',
  webhookSecretFile: '/s/webhook-secret',
  helm: '/s/bin/helm',
  extra: ['--sync-interval=1m'],
}

it('points Capstan at the pieces of the playground', () => {
  expect(capstanArgv(settings)).toEqual(
    expect.arrayContaining([
      '--git-path=cluster',
      '--git-path=more',
      '--registry-insecure-host=127.0.0.1:20003',
      '--token-file=/s/token',
      '--sync-garbage-collection',
      '--sync-state=cluster',
    ]),
  )
})

it('puts what the user gives last, so that it wins', () => {
  expect(capstanArgv(settings).at(-1)).toBe('--sync-interval=1m')
})
