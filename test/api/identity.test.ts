import { afterEach, describe, expect, it } from 'vitest'
import type { ReadIdentity } from '../../src/api/app-options.ts'
import { AppError } from '../../src/domain/error.ts'
import { createCliBench } from './cli-bench.ts'
import { authorized, createWorkbench } from './workbench.ts'

const key = {
  publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK capstan\n',
  fingerprints: {
    md5: { hash: '0a:1b:2c', randomart: '+--[ED25519 256]--+\n|   .o. |\n+------[MD5]------+\n' },
    sha256: { hash: 'abc', randomart: '+--[ED25519 256]--+\n|  =+   |\n+----[SHA256]-----+\n' },
  },
}

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function start(identity?: ReadIdentity) {
  const { app } = createWorkbench({ app: identity ? { identity } : {} })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  cleanUps.push(() => app.close())
  return { app, cli: createCliBench({ url }) }
}

describe('the deploy key', () => {
  it('is told with its fingerprints, to who has the token', async () => {
    const { app } = await start(async () => key)
    const answer = await app.inject({ url: '/api/v1/identity', headers: authorized })
    expect([answer.statusCode, answer.json()]).toEqual([200, key])
    expect((await app.inject({ url: '/api/v1/identity' })).statusCode).toBe(401)
  })

  it.each([
    ['the key as it is', [], key.publicKey],
    ['its md5 hash for -l', ['-l'], '0a:1b:2c\n'],
    ['its md5 hash for --fingerprint', ['--fingerprint'], '0a:1b:2c\n'],
    ['hash and picture for -v', ['-v'], `0a:1b:2c\n${key.fingerprints.md5.randomart}`],
    ['hash and picture for -lv', ['-l', '--visual'], `0a:1b:2c\n${key.fingerprints.md5.randomart}`],
  ])('is printed as fluxctl prints it: %s', async (_what, options, stdout) => {
    const { cli } = await start(async () => key)
    expect(await cli('identity', ...options)).toEqual({ code: 0, stdout, stderr: '' })
  })

  it('that is none is told with the reason, exit 4', async () => {
    const { cli } = await start(async () => ({ none: 'The repository is not reached by ssh.' }))
    const stderr = 'error The repository is not reached by ssh.\n'
    expect(await cli('identity')).toEqual({ code: 4, stdout: '', stderr })
    expect((await (await start()).cli('identity')).code).toBe(4)
  })

  it('that cannot be read is a failure, not an absence', async () => {
    const { cli } = await start(async () => {
      throw new AppError('Forbidden', 'may not read secrets')
    })
    expect(await cli('identity')).toMatchObject({ code: 1, stderr: expect.stringContaining('may not read secrets') })
  })
})
