import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/error.ts'
import { waysOf } from '../../src/jobs/scan-image/ways.ts'

const login = (username: string) => ({ insecure: false, auth: { username, password: 'x' } })
const anonymous = { insecure: false }
const refusedTo = (username: string) => new AppError('RegistryAuthFailed', `no, ${username}`)

/** A registry that takes these users; '' is nobody. */
function registryOf(...users: string[]) {
  const asked: string[] = []
  return {
    asked,
    ask: async ({ auth }: { auth?: { username: string } }) => {
      const user = auth?.username ?? ''
      asked.push(user)
      await Promise.resolve()
      if (!users.includes(user)) throw refusedTo(user)
      return user
    },
  }
}

describe('the ways to a registry', () => {
  it('are tried in their order until a login is taken, which then stays', async () => {
    const registry = registryOf('bob')
    let refused = 0
    const ways = waysOf([login('ann'), login('bob'), anonymous], () => refused++)
    expect(await ways.use(registry.ask)).toBe('bob')
    expect(await ways.use(registry.ask)).toBe('bob')
    expect(registry.asked).toEqual(['ann', 'bob', 'bob'])
    expect(refused).toBe(1)
  })

  it('used at once do not leave one out', async () => {
    const registry = registryOf('bob')
    const ways = waysOf([login('ann'), login('bob'), anonymous], () => {})
    expect(await Promise.all([1, 2, 3].map(() => ways.use(registry.ask)))).toEqual(['bob', 'bob', 'bob'])
    expect(registry.asked).not.toContain('')
  })

  it('that are all refused fail with the first refusal, each time', async () => {
    const registry = registryOf()
    const ways = waysOf([login('ann'), anonymous], () => {})
    await expect(ways.use(registry.ask)).rejects.toThrow('no, ann')
    await expect(ways.use(registry.ask)).rejects.toThrow('no, ann')
    expect(registry.asked).toEqual(['ann', ''])
  })

  it('are not left for another failure than a refusal', async () => {
    let asked = 0
    const ways = waysOf([login('ann'), anonymous], () => {})
    const unreachable = async () => {
      asked++
      throw new AppError('RegistryUnreachable', 'gone')
    }
    await expect(ways.use(unreachable)).rejects.toMatchObject({ reason: 'RegistryUnreachable' })
    expect(asked).toBe(1)
  })
})
