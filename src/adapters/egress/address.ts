import { BlockList, isIP } from 'node:net'

/** Link-local addresses are those of metadata services, and what stands for no host: never, whoever asks (ruling 15). */
const never = listOf([
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::254/128',
  '0.0.0.0/8',
  '::/128',
  '224.0.0.0/3',
  'ff00::/8',
])
const privateOnes = listOf([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7',
])

/** May a user's URL reach this address? Addresses of version 4 inside version 6 count as what they are. */
export function isAllowed(address: string, allowPrivate: boolean): boolean {
  const kind = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  if (isIP(address) === 0 || never.check(address, kind)) return false
  return allowPrivate || !privateOnes.check(address, kind)
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [net = '', bits] = range.split('/')
    list.addSubnet(net, Number(bits), net.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}
