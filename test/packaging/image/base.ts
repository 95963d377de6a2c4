import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Builder, execute } from './buildah.ts'

/**
 * A base image like the public Node image: Debian made by debootstrap from this machine's mirror, and this machine's Node and npm. How
 * the machine reaches its mirror and its registry (apt's configuration, certificates) goes into it too. Gives its name.
 */
export async function makeBase(options: {
  folder: string
  builder: Builder
  say: (text: string) => void
}): Promise<string> {
  const { folder, builder, say } = options
  const name = 'localhost/capstan-test-base'
  const root = join(folder, 'base')
  if (!existsSync(join(root, 'usr/local/bin/node'))) {
    say('making the base with debootstrap')
    rmSync(root, { recursive: true, force: true })
    await must('debootstrap', ['--variant=minbase', '--include=libstdc++6', release(), root, mirror()])
    addNode(root)
    for (const path of ['etc/apt/apt.conf.d', 'etc/apt/sources.list.d', 'etc/ssl/certs/ca-certificates.crt']) {
      cpSync(join('/', path), join(root, path), { recursive: true, dereference: true })
    }
    // a key of a third repository is not there, and nothing of it is needed
    rmSync(join(root, 'var/cache/apt'), { recursive: true, force: true })
  }
  await builder.fromFolder(name, root)
  say('the base is ready')
  return name
}

/** Where the public image has them. */
function addNode(root: string): void {
  const local = join(root, 'usr/local')
  cpSync(process.execPath, join(local, 'bin/node'))
  const npm = npmFolder()
  cpSync(npm, join(local, 'lib/node_modules/npm'), { recursive: true, dereference: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'))
  mkdirSync(join(local, 'etc'), { recursive: true })
  writeFileSync(join(local, 'etc/npmrc'), 'cafile=/etc/ssl/certs/ca-certificates.crt\n')
}

function npmFolder(): string {
  const beside = join(dirname(dirname(process.execPath)), 'lib/node_modules/npm')
  const found = [beside, '/usr/lib/node_modules/npm', '/usr/local/lib/node_modules/npm'].find((path) =>
    existsSync(path),
  )
  if (!found) throw new Error('npm is not found on this machine')
  return found
}

function release(): string {
  return /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable'
}

function mirror(): string {
  const files = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].filter((path) => existsSync(path))
  const text = files.map((path) => readFileSync(path, 'utf8')).join('\n')
  return /https?:\/\/\S+/.exec(text.replaceAll(/^#.*$/gm, ''))?.[0] ?? 'http://deb.debian.org/debian'
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await execute(command, args)
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output.slice(-2000)}`)
}
