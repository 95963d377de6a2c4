import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { VerifyRequest } from '../../src/adapters/git/index.ts'
import { createKeyring, type Keyring } from '../../src/adapters/gpg/index.ts'
import { statusRef } from '../../src/domain/source/status.ts'
import { runUpdate } from '../../src/jobs/update-images/run-update.ts'
import { makeGit, removeFolders } from '../git/make-git.ts'
import { launchAgent, openWorkshop, run, shortFolder, type Workshop } from '../gpg/workshop.ts'
import { pushImage } from '../registry/push-image.ts'
import { createWorkbench, deployment, type Workbench } from './workbench.ts'
import { appliedStatus } from '../fakes/source-status.ts'

const semver = { 'fluxcd.io/tag.app': 'semver:~1.0' }
const folder = shortFolder()
const gnupgHome = join(folder, 'keys')
const verified: VerifyRequest[] = []
let workshop: Workshop
let keyring: Keyring
let bench: Workbench
let key = ''

beforeAll(async () => {
  workshop = openWorkshop()
  key = workshop.makeKey('ours@example.com')
  launchAgent(gnupgHome)
  keyring = createKeyring({ run, home: gnupgHome, path: process.env.PATH ?? '' })
  await keyring.importKeys([workshop.exportKey(key, { secret: true })])
  await keyring.trustAll()
  bench = await createWorkbench({ verify: 'all' })
  const git = makeGit({ gnupgHome, allowLocal: true })
  bench.deps.signingKey = key
  bench.deps.git = {
    ...git,
    async verify(remote, request, signal) {
      verified.push(request)
      return await git.verify(remote, request, signal)
    },
  }
  const program = join(folder, 'sign')
  writeFileSync(program, `#!/bin/sh\nexec gpg --homedir ${gnupgHome} "$@"\n`, { mode: 0o755 })
  bench.run('config', 'gpg.program', program)
  bench.run('config', 'user.signingkey', key)
  for (const tag of ['1.0.0', '1.0.1']) await pushImage(bench.host, `${bench.path}/app`, tag)
})

afterAll(async () => {
  await bench.close()
  await keyring.close()
  workshop.close()
  rmSync(folder, { recursive: true, force: true })
  removeFolders()
})

const app = (tag: string) => `${bench.images}/app:${tag}`

function push(isSigned: boolean, file = 'deploy/web.yaml'): string {
  bench.run('config', 'commit.gpgsign', String(isSigned))
  return bench.push({ [file]: deployment(app('1.0.0'), semver) })
}

/** Reads the tags from the registry, as the scan before an update does. */
async function scan(): Promise<void> {
  await bench.deps.git.fetch(await bench.deps.sources.remote(bench.spec))
  await bench.scan(`${bench.images}/app`)
}

function tip(): string {
  bench.run('fetch', '-q', 'origin', 'main')
  return bench.run('rev-parse', 'origin/main').trim()
}

it('a history without one good signature is not written to', async () => {
  const commit = push(false)
  await expect(bench.update()).rejects.toMatchObject({
    reason: 'SignatureInvalid',
    message: expect.stringMatching(`^HEAD revision is unsigned: .*${commit}`) as string,
  })
  const { signal } = new AbortController()
  const lock = { 'default:deployment/web': { add: { locked: 'true' }, remove: {} } }
  const update = { type: 'policy', cause: { Message: '', User: '' }, spec: lock } as const
  await expect(runUpdate(bench.spec, { jobId: 'asked', update }, bench.deps, signal)).rejects.toThrow(
    `HEAD revision is unsigned: found invalid GPG signature for commit ${commit}`,
  )
  expect(tip()).toBe(commit)
  bench.run('config', 'commit.gpgsign', 'true')
  bench.run('commit', '-q', '--amend', '--no-edit')
  bench.run('push', '-qf', 'origin', 'main')
})

it('a commit of ours is signed, and counts', async () => {
  await scan()
  expect(await bench.update()).toMatchObject({ end: 'done', summary: expect.stringContaining('→ 1.0.1') })
  const made = tip()
  expect(bench.run('log', '-1', '--format=%G? %GF', 'origin/main').trim()).toBe(`G ${key}`)
  const status = appliedStatus(made)
  const { namespace, name } = statusRef(bench.spec)
  await bench.cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await bench.cluster.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name },
    data: { 'status.json': JSON.stringify(status) },
  })
})

it('what the last sync has verified is not verified again, and an unsigned head is not written to', async () => {
  const applied = tip()
  bench.run('pull', '-q', '--ff-only', 'origin', 'main')
  push(true)
  const unsigned = push(false, 'deploy/other.yaml')
  verified.splice(0)
  await expect(bench.update()).rejects.toMatchObject({
    reason: 'SignatureInvalid',
    message: expect.stringMatching(`^HEAD revision is unsigned: commit ${unsigned}`) as string,
  })
  expect(verified.map(({ from }) => from)).toEqual([applied])
  expect(tip()).toBe(unsigned)
})
