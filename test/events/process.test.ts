import { createHmac, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { Deployment, Event } from '../../src/api/contract/event.ts'
import { type Capstan, runCapstan, startCapstan } from '../e2e/capstan.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { configMap, namespace } from '../e2e/manifests.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { type Received, type Receiver, startReceiver } from './receiver.ts'

describe('a real process with sinks', () => {
  const space = `events-${randomBytes(3).toString('hex')}`
  const secret = 'a-secret-that-nobody-knows'
  const folder = mkdtempSync(join(tmpdir(), 'capstan-sinks-'))
  const sinksFile = join(folder, 'sinks.yaml')
  let repository: Repository
  let capstan: Capstan
  let audit: Receiver
  let fluxcloud: Receiver

  beforeAll(async () => {
    audit = await startReceiver()
    fluxcloud = await startReceiver()
    const secretFile = join(folder, 'secret')
    writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 })
    writeFileSync(
      sinksFile,
      `sinks:\n- {name: audit, type: webhook, url: "${audit.url}/in", secretFile: ${secretFile}}\n`,
    )
    repository = await createRepository()
    const commit = await repository.push({
      'deploy/namespace.yaml': namespace(space),
      'deploy/settings.yaml': configMap('settings', space, 'one'),
    })
    capstan = await startCapstan([
      `--git-url=${repository.url}`,
      '--git-branch=main',
      '--git-path=deploy',
      '--git-poll-interval=1s',
      '--enable=sync',
      `--sinks-file=${sinksFile}`,
      `--connect=${fluxcloud.url.replace('http:', 'ws:')}`,
      '--token=upstream-token',
    ])
    await until('it is applied', async () => bodies(audit).some(isSync(commit)))
  })
  afterAll(async () => {
    await capstan.stop()
    await kubectl('delete', 'namespace', space, capstan.namespace, '--ignore-not-found', '--wait=false')
    await repository.stop()
    await audit.close()
    await fluxcloud.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** An upstream is also dialled, without a body, so that it may call back. */
  const eventsOf = ({ received }: Receiver) => received.filter(({ body }) => body !== '')
  const bodies = (receiver: Receiver) => eventsOf(receiver).map(({ body }) => JSON.parse(body) as Event)
  const isSync = (commit: string) => (event: Event) => event.type === 'sync' && JSON.stringify(event).includes(commit)

  it('tells each of them of a push, signed, and fluxd’s way', async () => {
    const commit = await repository.change({ 'deploy/settings.yaml': configMap('settings', space, 'two') })
    await until('both were told', async () => [audit, fluxcloud].every((one) => bodies(one).some(isSync(commit))))
    const { headers, body } = audit.received.find(({ body: text }) => text.includes(commit)) as Received
    const signature = createHmac('sha256', secret).update(body).digest('hex')
    expect(headers['x-capstan-signature-256']).toBe(`sha256=${signature}`)
    const [theirs] = eventsOf(fluxcloud)
    expect([theirs?.url, theirs?.headers.authorization]).toEqual(['/v6/events', 'Scope-Probe token=upstream-token'])
    expect(bodies(fluxcloud).find(isSync(commit))).toMatchObject({
      id: 0,
      logLevel: 'info',
      serviceIDs: [`${space}:configmap/settings`],
      metadata: { commits: [{ revision: commit }], includes: { other: true } },
    })
  })

  it('knows what it told and what it did, and shows it to people', async () => {
    await until('both syncs are kept', async () => {
      const { events } = await capstan.api<{ events: Event[] }>('/api/v1/events?type=sync')
      return events.length >= 2
    })
    const deployments = await until('both deployments are kept', async () => {
      const about = `${space}:configmap/settings`
      const found = await capstan.api<{ deployments: Deployment[] }>(`/api/v1/history?about=${about}`)
      return found.deployments.length >= 2 && found.deployments
    })
    expect(deployments.map(({ counts }) => counts)).toEqual([
      expect.objectContaining({ configured: 1 }),
      expect.objectContaining({ created: 2 }),
    ])
    expect(deployments[0]?.job).toMatch(/^sync-source\./)
    const shown = await capstan.cli('history', 'default')
    expect(shown.stdout).toContain('1 configured')
    expect((await capstan.cli('events', '--severity', 'error')).code).toBe(0)
  })

  it('goes on where it stopped after a kill, while a sink is away', async () => {
    audit.answers.push({ status: 503 })
    const commit = await repository.change({ 'deploy/settings.yaml': configMap('settings', space, 'three') })
    await until('the sink was tried', async () => audit.answers.length === 0)
    await capstan.kill('SIGKILL')
    await capstan.start()
    const isThere = async () => bodies(audit).filter(isSync(commit)).length >= 2
    await until('it was tried again', isThere)
    const tries = bodies(audit).filter(isSync(commit))
    expect(new Set(tries.map(({ id }) => id)).size).toBe(1)
  })

  it('tries a sink for people, and says when it does not work', async () => {
    expect(await capstan.cli('sink', 'test', 'audit')).toMatchObject({
      code: 0,
      stdout: 'done sink audit took a test\n',
    })
    // an event that happens meanwhile may take an answer, too
    audit.answers.push({ status: 401 }, { status: 401 }, { status: 401 })
    const refused = await capstan.cli('sink', 'test', 'audit')
    audit.answers.length = 0
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('SinkRefused: sink audit answered 401') })
    expect((await capstan.cli('sink', 'test', 'nobody')).code).toBe(4)
    const sinks = await capstan.cli('sink', 'ls')
    expect(sinks.stdout).toMatch(/^NAME +TYPE +STATE/)
    expect(sinks.stdout).not.toContain('127.0.0.1')
    const before = audit.received.length
    expect((await capstan.cli('sink', 'replay', 'audit', '--since', '1h')).code).toBe(0)
    await until('they are told again', async () => audit.received.length > before + 2)
  })

  it('does not start with a file of sinks that is wrong, and repeats nothing of it', async () => {
    const wrong = join(folder, 'wrong.yaml')
    writeFileSync(wrong, `sinks: [{name: a, type: webhook, url: "${audit.url}", secert: ${secret}}]`)
    const { code, stderr } = await runCapstan(['run', `--sinks-file=${wrong}`])
    expect(code).toBe(2)
    expect(stderr).toMatch(/sink a: secert is no field of a sink/)
    expect(stderr).toMatch(/sink a: secret or secretFile is missing/)
    expect(stderr).not.toContain(secret)
  })
})
