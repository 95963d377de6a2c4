#!/usr/bin/env node
// Plain JavaScript that runs on Node 20: goes on with the built program where there is one, else with the sources, under a Node that
// can run them (>= 22.19). Imports no package.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtProgram, isBuilt } from './built.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'src', 'main', 'cli.ts')

/** True for a Node that runs what we import, and TypeScript as it is. */
function isNew(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 19)
}

function findNode() {
  if (isNew(process.version)) return process.execPath
  const local = join(root, 'node_modules', '.bin', 'node')
  if (existsSync(local)) return local
  process.stderr.write(`Node ${process.version} cannot run Capstan; install Node 22.19 or newer (https://nodejs.org)\n`)
  return process.exit(1)
}

const program = isBuilt(root) ? builtProgram(root) : source
const node = findNode()
if (node === process.execPath) {
  // in this very process: signals and exit codes are then its own
  await import(program)
} else {
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', program, ...process.argv.slice(2)], {
    stdio: 'inherit',
    // by which name we were called
    argv0: basename(process.argv[1] ?? ''),
  })
  const forwarded = ['SIGTERM', 'SIGHUP', 'SIGUSR2']
  for (const signal of forwarded) process.on(signal, () => child.kill(signal))
  // Ctrl-C at a terminal reaches the child by itself; we only must not end before it
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    for (const handled of [...forwarded, 'SIGINT']) process.removeAllListeners(handled)
    process.kill(process.pid, signal)
  })
}
