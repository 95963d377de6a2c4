import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { which } from './on-path.ts'
import { runCommand } from './run-command.ts'

const aptMs = 10 * 60_000
/** Asked by Debian's packages before they start a service; 101 forbids it. */
const policy = '/usr/sbin/policy-rc.d'

/** Installs Debian packages, with fresh package lists. Their services are not started: only the programs are wanted. */
export type Apt = { install(name: string, signal?: AbortSignal): Promise<void> }

export function createApt(): Apt {
  let updated: Promise<unknown> | undefined
  return {
    async install(name, signal) {
      const apt = which('apt-get')
      if (!apt) throw new Error('no apt-get here')
      if (process.getuid?.() !== 0) throw new Error(`apt needs root: sudo apt-get install ${name}`)
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
      const options = { env, timeoutMs: aptMs, ...(signal && { signal }) }
      const lock = ['-o', 'DPkg::Lock::Timeout=120']
      updated ??= runCommand(apt, ['update', '-qq', ...lock], options)
      await updated
      const release = forbidServices()
      try {
        const done = await runCommand(apt, ['install', '-qq', '-y', '--no-install-recommends', ...lock, name], options)
        if (!done.ok) throw new Error(done.reason)
      } finally {
        release()
      }
    },
  }
}

function forbidServices(): () => void {
  if (existsSync(policy)) return () => {}
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const release = () => rmSync(policy, { force: true })
  process.once('exit', release)
  return () => {
    release()
    process.off('exit', release)
  }
}
