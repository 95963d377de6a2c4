import { expect, it } from 'vitest'
import { platformOf } from './platform.ts'

it.each([
  ['linux', 'x64', { os: 'linux', arch: 'amd64' }],
  ['linux', 'arm64', { os: 'linux', arch: 'arm64' }],
  ['darwin', 'arm64', { os: 'darwin', arch: 'arm64' }],
])('names %s on %s as release files do', (platform, arch, wanted) => {
  expect(platformOf(platform, arch)).toEqual(wanted)
})

it.each([
  ['win32', 'x64'],
  ['linux', 'riscv64'],
])('refuses %s on %s', (platform, arch) => {
  expect(() => platformOf(platform, arch)).toThrow(`no release files for ${platform}/${arch}`)
})
