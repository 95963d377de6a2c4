import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Connection, Line } from './connect.ts'
import { impersonated } from './impersonate.ts'

function connection(headers: Record<string, string>): Connection {
  const line = { dispatcher: {}, headers } as unknown as Line
  return {
    server: 'https://server',
    basePath: '',
    line: async () => line,
    forgetCredentials() {},
    distrust() {},
    async close() {},
  }
}

describe('impersonated', () => {
  it('puts the account on requests and on watches, and keeps who we are', async () => {
    const tenant = impersonated(connection({ Authorization: 'Bearer x' }), { namespace: 'a', serviceAccount: 'b.c' })
    for (const use of ['request', 'watch'] as const) {
      const { headers } = await tenant.line(use)
      expect(headers).toEqual({ Authorization: 'Bearer x', 'Impersonate-User': 'system:serviceaccount:a:b.c' })
    }
  })

  it('takes out whom the kubeconfig impersonates, with groups and extras', async () => {
    const given = { 'impersonate-user': 'root', 'Impersonate-Group': 'system:masters', 'IMPERSONATE-EXTRA-x': 'y' }
    const { headers } = await impersonated(connection(given), { namespace: 'a', serviceAccount: 'b' }).line('request')
    expect(headers).toEqual({ 'Impersonate-User': 'system:serviceaccount:a:b' })
  })

  it('never gives a line without exactly one account, whatever it is called (hazard J3)', async () => {
    const name = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.stringMatching(/^[a-z0-9.:-]{0,6}$/),
      fc.constantFrom('', ' ', 'kube-system', 'a:b', 'x\r\nImpersonate-Group: system:masters'),
    )
    await fc.assert(
      fc.asyncProperty(name, name, async (namespace, serviceAccount) => {
        let line: Line
        try {
          line = await impersonated(connection({}), { namespace, serviceAccount }).line('request')
        } catch (error) {
          expect(error).toMatchObject({ reason: 'Forbidden', retry: 'never' })
          return
        }
        expect(Object.keys(line.headers)).toEqual(['Impersonate-User'])
        expect(line.headers['Impersonate-User']).toMatch(/^system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+$/)
      }),
      { numRuns: 10_000 },
    )
  })
})
