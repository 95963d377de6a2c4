import { describe, expect, it } from 'vitest'
import { isAllowed } from './address.ts'

describe('isAllowed', () => {
  it.each([
    ['the metadata service', '169.254.169.254', false, false],
    ['the metadata service inside an IPv6 address', '::ffff:169.254.169.254', false, false],
    ['the same, written in hex', '::ffff:a9fe:a9fe', false, false],
    ['link-local IPv6', 'fe80::1', false, false],
    ['the metadata service of IPv6', 'fd00:ec2::254', false, false],
    ['no host at all', '0.0.0.0', false, false],
    ['loopback', '127.0.0.1', true, false],
    ['loopback of IPv6', '::1', true, false],
    ['a private network', '10.1.2.3', true, false],
    ['a private network inside an IPv6 address', '::ffff:10.1.2.3', true, false],
    ['a private network of IPv6', 'fd12::1', true, false],
    ['the world', '93.184.216.34', true, true],
    ['the world by IPv6', '2606:2800:220:1::1', true, true],
    ['something that is no address', 'example.com', false, false],
  ])('%s', (_name, address, withPrivate, withoutPrivate) => {
    expect([isAllowed(address, true), isAllowed(address, false)]).toEqual([withPrivate, withoutPrivate])
  })
})
