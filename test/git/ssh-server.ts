import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { which } from '../../playground/tools/on-path.ts'

/** A real sshd on a free port, whose users are those who have an authorized key; it runs what it is asked, git included. */
export type SshServer = {
  port: number
  /** URL of a repository on disk, as this sshd serves it. */
  urlOf(repository: string): string
  /** The line of known_hosts that names this server. */
  knownHosts: string
  /** SHA256:… of its host key. */
  fingerprint: string
  authorize(publicKey: string): void
  /** What sshd said so far. */
  log(): string
  close(): Promise<void>
}

/** One sshd for each connection, as inetd would start it: the port is ours from the first moment on. */
export async function startSshServer(): Promise<SshServer> {
  const sshd = which('sshd')
  if (!sshd) throw new Error('sshd is missing: install OpenSSH’s server (Debian: apt install openssh-server)')
  // Only an sshd of root wants this folder.
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 })
  const folder = mkdtempSync(join(tmpdir(), 'capstan-sshd-'))
  const file = (name: string) => join(folder, name)
  const hostKey = makeHostKey(file('host'))
  writeFileSync(file('authorized'), '')
  writeFileSync(file('config'), configuration(file))
  const children = new Set<ChildProcess>()
  let said = ''
  const server = createServer({ pauseOnConnect: true }, (socket: Socket) => {
    const child = spawn(sshd, ['-i', '-e', '-f', file('config')], { stdio: [socket, socket, 'pipe'] })
    children.add(child)
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    child.on('close', () => {
      children.delete(child)
      socket.destroy()
    })
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    urlOf: (repository) => `ssh://${userInfo().username}@127.0.0.1:${port}${repository}`,
    knownHosts: `[127.0.0.1]:${port} ${hostKey.line}\n`,
    fingerprint: hostKey.fingerprint,
    authorize: (publicKey) => writeFileSync(file('authorized'), publicKey),
    log: () => said,
    async close() {
      for (const child of children) child.kill('SIGKILL')
      await new Promise<void>((resolve) => server.close(() => resolve()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function configuration(file: (name: string) => string): string {
  const lines = [
    `HostKey ${file('host')}`,
    `AuthorizedKeysFile ${file('authorized')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'PidFile none',
    'LogLevel DEBUG1',
  ]
  return `${lines.join('\n')}\n`
}

function makeHostKey(file: string): { line: string; fingerprint: string } {
  const keygen = (...args: string[]) => spawnSync('ssh-keygen', args).stdout.toString()
  keygen('-q', '-N', '', '-t', 'ed25519', '-C', '', '-f', file)
  const fingerprint = /SHA256:\S+/.exec(keygen('-l', '-f', file))?.[0] ?? ''
  return { line: readFileSync(`${file}.pub`, 'utf8').trim(), fingerprint }
}
