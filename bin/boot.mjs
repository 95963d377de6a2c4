// Plain JavaScript that runs on Node 20: installs the packages when the lock file asks for it, finds a Node that can run
// the TypeScript sources as they are (>= 22.19), and goes on with it. Nothing here may import a package.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')

/** True for a Node that strips types by itself. */
function runsTypeScript(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 19)
}

function installPackages() {
  const stamp = join(modules, '.capstan-installed')
  const lock = readFileSync(join(root, 'package-lock.json'))
  const wanted = createHash('sha256').update(lock).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  if (!hasAll(JSON.parse(lock.toString()).packages)) runNpmCi()
  writeFileSync(stamp, wanted)
}

/** True when somebody ran `npm ci` by hand: npm's own list of what it installed agrees with the lock file. */
function hasAll(wanted) {
  const list = join(modules, '.package-lock.json')
  if (!existsSync(list)) return false
  const there = JSON.parse(readFileSync(list, 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, { version, optional, devOptional }]) =>
      path === '' || optional || devOptional || there[path]?.version === version,
  )
}

function runNpmCi() {
  process.stderr.write('installing packages (npm ci) …\n')
  const npm = process.env.npm_execpath
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm, 'ci']] : ['npm', ['ci']]
  const done = spawnSync(command, [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (done.status !== 0) fail(`npm ci failed (exit ${done.status ?? done.error?.message}); the lines above say why`)
}

function findNode() {
  if (runsTypeScript(process.version)) return process.execPath
  const local = join(modules, '.bin', 'node')
  if (existsSync(local)) return local
  return fail(`Node ${process.version} cannot run Capstan here; install Node 22.19 or newer (https://nodejs.org)`)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

installPackages()
const args = process.argv.slice(2)
if (args[0] === '--vitest') args.splice(0, 1, join(modules, 'vitest', 'vitest.mjs'), 'run')
const env = { ...process.env, PATH: `${join(modules, '.bin')}:${process.env.PATH ?? ''}` }
const child = spawn(findNode(), ['--disable-warning=ExperimentalWarning', ...args], {
  cwd: root,
  env,
  stdio: 'inherit',
})
// Ctrl-C at a terminal reaches the child by itself too; our programs take the second one for the first.
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']
for (const signal of forwarded) process.on(signal, () => child.kill(signal))
child.on('error', (error) => fail(error.message))
child.on('exit', (code, signal) => {
  if (!signal) process.exit(code ?? 1)
  for (const handled of forwarded) process.removeAllListeners(handled)
  process.kill(process.pid, signal)
})
