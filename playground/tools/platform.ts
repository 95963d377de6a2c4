import type { Platform } from './table.ts'

/** Node's names of this machine in the words of release files. Throws for one that has no release files. */
export function platformOf(platform: string, arch: string): Platform {
  const os = { linux: 'linux', darwin: 'darwin' }[platform] as Platform['os'] | undefined
  const cpu = { x64: 'amd64', arm64: 'arm64' }[arch] as Platform['arch'] | undefined
  if (!os || !cpu) throw new Error(`no release files for ${platform}/${arch}`)
  return { os, arch: cpu }
}
