import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { realCluster, removeNamespace } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { namespace } from '../e2e/manifests.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { type SshServer, startSshServer } from '../git/ssh-server.ts'
import { createFluxctl, type Fluxctl } from './fluxctl.ts'

describe('the identity that an unmodified fluxctl 1.25 shows', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-identity-'))
  const [bare, work] = [join(folder, 'repo.git'), join(folder, 'work')]
  const space = `identity-${folder.slice(-6).toLowerCase()}`
  const git = (...args: string[]) => execFileSync('git', args, { cwd: work, stdio: ['ignore', 'pipe', 'ignore'] })
  let server: SshServer
  let capstan: Capstan
  let fluxctl: Fluxctl

  beforeAll(async () => {
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare])
    execFileSync('git', ['clone', '-q', bare, work], { stdio: 'ignore' })
    writeFileSync(join(work, 'namespace.yaml'), namespace(space))
    git('add', '-A')
    git('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '-q', '-m', 'first')
    git('push', '-q', 'origin', 'HEAD:main')
    server = await startSshServer()
    writeFileSync(join(folder, 'known_hosts'), server.knownHosts)
    capstan = await startCapstan([
      '--enable=sync',
      `--git-url=${server.urlOf(bare)}`,
      '--git-branch=main',
      '--git-poll-interval=1h',
      `--git-ssh-known-hosts-file=${join(folder, 'known_hosts')}`,
      '--k8s-secret-name=fleet-key',
      '--k8s-secret-volume-mount-path=/nowhere',
    ])
    fluxctl = createFluxctl({ FLUX_URL: `${capstan.url}/api/flux`, FLUX_SERVICE_TOKEN: capstan.token })
  })

  afterAll(async () => {
    fluxctl?.stop()
    await capstan?.stop()
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
    await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
    const cluster = realCluster()
    if (capstan) await removeNamespace(cluster, capstan.namespace)
    await cluster.close()
  })

  const identity = async (...args: string[]) => await fluxctl.run('identity', ...args)

  it('is the key of the Secret, as it goes into a forge, with the hash and picture of ssh-keygen', async () => {
    const { code, stdout, stderr } = await identity()
    expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(/^ssh-ed25519 \S+ capstan\n$/), ''])
    writeFileSync(join(folder, 'key.pub'), stdout)
    const [line = '', ...picture] = execFileSync('ssh-keygen', ['-lv', '-E', 'md5', '-f', join(folder, 'key.pub')])
      .toString()
      .split('\n')
    const hash = / MD5:(\S+) /.exec(line)?.[1]
    expect((await identity('-l')).stdout).toBe(`${hash}\n`)
    expect((await identity('-v')).stdout).toBe(`${hash}\n${picture.join('\n')}`)
  })

  it('opens the repository once the server knows it, and after -r a new one does in its place', async () => {
    const sync = async () => await fluxctl.run('sync')
    const refused = { code: 1, stderr: expect.stringContaining('can not connect to git repository') }
    await expect.poll(sync, { timeout: 120_000 }).toMatchObject(refused)
    const old = (await identity()).stdout
    server.authorize(old)
    await expect.poll(sync, { timeout: 120_000 }).toMatchObject({ code: 0 })

    const made = await identity('-r')
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^ssh-ed25519 \S+ capstan\n$/)])
    expect(made.stdout).not.toBe(old)
    expect((await identity()).stdout).toBe(made.stdout)
    expect(await sync()).toMatchObject({ code: 1 })
    server.authorize(made.stdout)
    await expect.poll(sync, { timeout: 120_000 }).toMatchObject({ code: 0 })
  })
})
