import { expect, it } from 'vitest'
import { proxyFor } from './proxy.ts'

const both = { http_proxy: 'http://plain:1', https_proxy: 'http://secure:2' }
const without = (no_proxy: string) => ({ ...both, no_proxy })

it.each<[string, string, Record<string, string>, string | undefined]>([
  ['nothing is set', 'https://a.example/x', {}, undefined],
  ['https', 'https://a.example/x', both, 'http://secure:2'],
  ['http', 'http://a.example/x', both, 'http://plain:1'],
  ['https where only http has one', 'https://a.example/x', { http_proxy: 'http://plain:1' }, undefined],
  ['capitals', 'https://a.example', { HTTPS_PROXY: 'http://big:3' }, 'http://big:3'],
  [
    'an empty one beside capitals',
    'https://a.example',
    { https_proxy: '', HTTPS_PROXY: 'http://big:3' },
    'http://big:3',
  ],
  ['one without a scheme', 'https://a.example', { https_proxy: 'secure:2' }, 'http://secure:2'],
  ['this machine', 'http://localhost:3031/', both, undefined],
  ['this machine by its address', 'http://127.0.0.1:3031/', both, undefined],
  ['this machine by its other address', 'http://[::1]/', both, undefined],
  ['everything', 'https://a.example', without('*'), undefined],
  ['a host', 'https://a.example', without('b.example, a.example'), undefined],
  ['a host below it', 'https://x.a.example', without('a.example'), undefined],
  ['a host that ends alike', 'https://xa.example', without('a.example'), 'http://secure:2'],
  ['below a domain', 'https://charts.shop.svc', without('.svc,.cluster.local'), undefined],
  ['below a domain with a star', 'https://charts.shop.svc', without('*.svc'), undefined],
  ['the domain itself', 'https://svc/', without('.svc'), 'http://secure:2'],
  ['a port', 'https://a.example:8443', without('a.example:8443'), undefined],
  ['another port', 'https://a.example', without('a.example:8443'), 'http://secure:2'],
  ['the usual port', 'https://a.example', without('a.example:443'), undefined],
  ['an address', 'https://10.1.2.3', without('10.1.2.3'), undefined],
  ['a range', 'https://10.1.2.3', without('10.0.0.0/8'), undefined],
  ['another range', 'https://11.1.2.3', without('10.0.0.0/8'), 'http://secure:2'],
  ['a host, which is in no range', 'https://a.example', without('10.0.0.0/8'), 'http://secure:2'],
  ['an address of version 6', 'https://[fd00::1]/', without('fd00::1'), undefined],
  ['the same in brackets with its port', 'https://[fd00::1]/', without('[fd00::1]:443'), undefined],
])('asks for %s', (_what, url, environment, expected) => {
  expect(proxyFor(new URL(url), environment)).toBe(expected)
})

it('refuses a proxy that is no URL', () => {
  expect(() => proxyFor(new URL('https://a.example'), { https_proxy: 'http://a b' })).toThrow('is no URL')
})
