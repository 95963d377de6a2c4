import { randomBytes } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { isProven } from '../../src/api/hook-proof.ts'
import { sign } from '../../src/api/signature.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { payloads, proofs } from './forge-pushes.ts'
import { createWorkbench, spec, webhookSecret } from './workbench.ts'

function push(
  app: ReturnType<typeof createWorkbench>['app'],
  call: { source?: string; body?: Buffer | string; signature?: string; header?: string },
) {
  const {
    source = 'default',
    body = '{}',
    signature = sign(Buffer.from(body), webhookSecret),
    header = 'x-capstan-signature-256',
  } = call
  return app.inject({
    method: 'POST',
    url: `/hooks/v1/${source}`,
    payload: body,
    headers: { 'content-type': 'application/json', [header]: signature },
  })
}

describe('the push webhook', () => {
  it('fetches the source of that name, in the lane of webhooks', async () => {
    const { app, queue } = createWorkbench()
    const answer = await push(app, {})
    expect(answer.statusCode).toBe(202)
    expect(answer.json()).toEqual({ jobIds: [queue.jobs[0]?.id] })
    expect(queue.requests).toEqual([
      { kind: 'fetch-source', namespace: 'capstan-system', name: 'default', reason: 'push', lane: 'webhook' },
    ])
  })

  it.each(['{"a":', '', '\u0000\u0001', 'ref=main', '[]'])('never parses the body: %j', async (body) => {
    expect((await push(createWorkbench().app, { body })).statusCode).toBe(202)
  })

  it('takes any content type, and the header that git forges send', async () => {
    const { app } = createWorkbench()
    expect((await push(app, { header: 'x-hub-signature-256' })).statusCode).toBe(202)
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-capstan-signature-256': sign(Buffer.from('a=b'), webhookSecret),
    }
    expect((await app.inject({ method: 'POST', url: '/hooks/v1/default', payload: 'a=b', headers })).statusCode).toBe(
      202,
    )
  })

  it('refuses a signature with any one bit turned', async () => {
    let clock = 0
    const { app, queue } = createWorkbench({ app: { now: () => new Date(Date.now() + clock++ * 60_000) } })
    const body = '{"ref":"refs/heads/main"}'
    const [, hex = ''] = sign(Buffer.from(body), webhookSecret).split('=')
    for (let bit = 0; bit < 256; bit++) {
      const bytes = Buffer.from(hex, 'hex')
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      const answer = await push(app, { body, signature: `sha256=${bytes.toString('hex')}` })
      expect([bit, answer.statusCode]).toEqual([bit, 401])
    }
    expect(queue.requests).toEqual([])
  })

  it('refuses a body with any one bit turned', async () => {
    let clock = 0
    const { app } = createWorkbench({ app: { now: () => new Date(Date.now() + clock++ * 60_000) } })
    const good = Buffer.from('{"ref":"x"}')
    for (let bit = 0; bit < good.length * 8; bit++) {
      const body = Buffer.from(good)
      body[bit >> 3] = (body[bit >> 3] as number) ^ (1 << (bit & 7))
      expect([bit, (await push(app, { body, signature: sign(good, webhookSecret) })).statusCode]).toEqual([bit, 401])
    }
  })

  it.each(['/hooks/v1', '/hooks/v1/default', '/hooks/v1/images/push', '/hooks/v1/images/push/nokey'])(
    'of a stranger is not parsed before it is refused: %s (hazard L4)',
    async (url) => {
      const { app } = createWorkbench()
      const payload = '{"ref":"refs/heads/main","mark":"of this test"}'
      const parse = vi.spyOn(JSON, 'parse')
      try {
        for (const proof of [{}, { 'x-hub-signature-256': sign(Buffer.from(payload), 'other') }]) {
          const headers = { 'content-type': 'application/json', ...proof }
          const answer = await app.inject({ method: 'POST', url, payload, headers })
          expect(answer.statusCode).toBe(401)
        }
        expect(parse.mock.calls.filter(([text]) => String(text).includes('of this test'))).toEqual([])
      } finally {
        parse.mockRestore()
      }
    },
  )

  it.each<[string, string]>([
    ['empty', ''],
    ['without its prefix', sign(Buffer.from('{}'), webhookSecret).slice(7)],
    ['cut', sign(Buffer.from('{}'), webhookSecret).slice(0, -1)],
    ['by another secret', sign(Buffer.from('{}'), 'other')],
    ['by no secret', sign(Buffer.from('{}'), '')],
    ['of something else', sign(Buffer.from('{ }'), webhookSecret)],
  ])('refuses a signature that is %s', async (_what, signature) => {
    const answer = await push(createWorkbench().app, { signature })
    expect(answer.statusCode).toBe(401)
    expect(answer.json()).toMatchObject({ reason: 'Unauthorized' })
  })

  it('accepts nothing while there is no secret', async () => {
    const { app } = createWorkbench({ app: { webhookSecret: () => '' } })
    expect((await push(app, { signature: sign(Buffer.from('{}'), '') })).statusCode).toBe(401)
  })

  it('tells only those who can sign which sources exist', async () => {
    const { app } = createWorkbench()
    expect((await push(app, { source: 'other', signature: 'sha256=00' })).statusCode).toBe(401)
    expect((await push(app, { source: 'other' })).statusCode).toBe(404)
  })

  it('takes one megabyte and not more', async () => {
    const { app } = createWorkbench()
    const most = randomBytes(1024 * 1024)
    expect((await push(app, { body: most })).statusCode).toBe(202)
    expect((await push(app, { body: Buffer.concat([most, Buffer.from('x')]) })).statusCode).toBe(413)
  })

  it('asks a caller that comes too often to wait', async () => {
    const { app } = createWorkbench()
    const statuses = new Set<number>()
    for (let call = 0; call < 121; call++) statuses.add((await push(app, {})).statusCode)
    expect([...statuses]).toEqual([202, 429])
  })

  it('says 503 when Redis is away, so that the sender tries again', async () => {
    const { app, queue } = createWorkbench()
    queue.goAway()
    const answer = await push(app, {})
    expect([answer.statusCode, answer.json().reason]).toEqual([503, 'RedisUnavailable'])
    expect(answer.headers['retry-after']).toBe('5')
  })
})

const here = new Date('2026-11-21T10:00:00Z')
const seconds = here.getTime() / 1000

function follower(name: string, url: string, ref: SourceSpec['ref'] = { kind: 'branch', value: 'main' }): SourceSpec {
  return { ...spec, name, url, ref, branch: ref.kind === 'branch' ? ref.value : '' }
}

type Headers = Record<string, string>

function forgeWorkbench(...sources: SourceSpec[]) {
  const bench = createWorkbench({ sources, app: { now: () => here } })
  const send = (payload: unknown, proof: (body: string) => Headers, more: { headers?: Headers; url?: string } = {}) => {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
    const headers = { 'content-type': 'application/json', ...proof(body), ...more.headers }
    return bench.app.inject({ method: 'POST', url: more.url ?? '/hooks/v1', payload: body, headers })
  }
  const asked = () => bench.queue.requests.map(({ name }) => name)
  return { ...bench, send, asked }
}

describe('the push of a forge', () => {
  it.each<[string, unknown, (body: string) => Headers, string[]]>([
    ['GitHub', payloads.github, (body) => proofs.github(body, webhookSecret), ['github']],
    ['GitLab, by its secret token', payloads.gitlab, (body) => proofs.gitlab(body, webhookSecret), ['gitlab']],
    ['GitLab, signed', payloads.gitlab, (body) => proofs.gitlabSigned(body, webhookSecret, seconds), ['gitlab']],
    [
      'GitLab, of the whole instance',
      payloads.gitlabSystem,
      (body) => ({ ...proofs.gitlab(body, webhookSecret), 'x-gitlab-event': 'System Hook' }),
      ['gitlab'],
    ],
    ['Gitea', payloads.gitea, (body) => proofs.gitea(body, webhookSecret), ['gitea', 'gitea-ssh']],
    ['Forgejo', payloads.gitea, (body) => proofs.forgejo(body, webhookSecret), ['gitea', 'gitea-ssh']],
    ['Bitbucket', payloads.bitbucket, (body) => proofs.bitbucket(body, webhookSecret), ['bitbucket']],
    [
      'Bitbucket Data Center',
      payloads.bitbucketServer,
      (body) => proofs.bitbucketServer(body, webhookSecret),
      ['server'],
    ],
    [
      'anybody who can sign',
      { repository: 'https://example.com/mike/diaspora', ref: 'refs/heads/main' },
      (body) => proofs.capstan(body, webhookSecret),
      ['gitlab'],
    ],
  ])('fetches every source of that repository: %s', async (_forge, payload, proof, names) => {
    const { send, asked, queue } = forgeWorkbench(
      follower('github', 'ssh://git@github.com/codertocat/hello-world'),
      follower('gitlab', 'https://token:x@example.com/mike/diaspora.git'),
      follower('gitea', 'http://localhost:3000/gitea/webhooks'),
      follower('gitea-ssh', 'ssh://gitea@localhost:2222/gitea/webhooks.git'),
      follower('bitbucket', 'git@bitbucket.org:team_name/repo_name.git'),
      follower('server', 'ssh://git@bitbucket.example.com:7999/project_1/repository.git'),
      follower('other', 'https://github.com/Codertocat/Hello-World-2'),
    )
    const answer = await send(payload, proof)
    expect(answer.statusCode).toBe(202)
    expect(asked()).toEqual(names)
    expect(answer.json().jobIds).toHaveLength(names.length)
    expect(
      queue.requests.every(
        ({ kind, lane, reason }) => kind === 'fetch-source' && lane === 'webhook' && reason === 'push',
      ),
    ).toBe(true)
  })

  const repository = 'https://github.com/Codertocat/Hello-World.git'
  it.each<[string, SourceSpec['ref'], string, boolean]>([
    ['its branch', { kind: 'branch', value: 'main' }, 'refs/heads/main', true],
    ['another branch', { kind: 'branch', value: 'main' }, 'refs/heads/main2', false],
    ['a tag of that name', { kind: 'branch', value: 'main' }, 'refs/tags/main', false],
    ['its tag', { kind: 'tag', value: 'live' }, 'refs/tags/live', true],
    ['another tag', { kind: 'tag', value: 'live' }, 'refs/tags/v1', false],
    ['any tag where a range is followed', { kind: 'semver', value: '>=1.0' }, 'refs/tags/v1', true],
    ['a branch where a range is followed', { kind: 'semver', value: '>=1.0' }, 'refs/heads/main', false],
    ['anything where a commit is waited for', { kind: 'commit', value: '0'.repeat(40) }, 'refs/heads/x', true],
    ['notes', { kind: 'branch', value: 'main' }, 'refs/notes/flux', false],
  ])('matters to a source when it is to %s', async (_, ref, pushed, matters) => {
    const { send, asked } = forgeWorkbench(follower('a', repository, ref))
    for (const url of ['/hooks/v1', '/hooks/v1/a']) {
      const answer = await send({ ...payloads.github, ref: pushed }, (body) => proofs.github(body, webhookSecret), {
        url,
      })
      expect([answer.statusCode, answer.json().jobIds.length]).toEqual([202, matters ? 1 : 0])
    }
    expect(asked()).toHaveLength(matters ? 2 : 0)
  })

  it('is known by a tag that was made there, too', async () => {
    const { send, asked } = forgeWorkbench(
      follower('a', payloads.giteaTag.repository.clone_url, { kind: 'semver', value: '*' }),
    )
    await send(payloads.giteaTag, (body) => ({ ...proofs.gitea(body, webhookSecret), 'x-gitea-event': 'create' }))
    expect(asked()).toEqual(['a'])
  })

  it('to a source by name need not agree about the URL', async () => {
    const { send, asked } = forgeWorkbench(follower('a', 'git@mirror.internal:hello.git'))
    await send(payloads.github, (body) => proofs.github(body, webhookSecret), { url: '/hooks/v1/a' })
    expect(asked()).toEqual(['a'])
  })

  it('may come as a form', async () => {
    const { send, asked } = forgeWorkbench(follower('a', repository))
    const form = new URLSearchParams({ payload: JSON.stringify(payloads.github) }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await send(form, (body) => proofs.github(body, webhookSecret), { headers })).statusCode).toBe(202)
    expect(asked()).toEqual(['a'])
  })

  it.each<[string, unknown, Headers]>([
    ['a ping', payloads.githubPing, { 'x-github-event': 'ping' }],
    ['an issue', payloads.github, { 'x-github-event': 'issues' }],
    ['an event with a name of Object', payloads.github, { 'x-github-event': 'constructor' }],
    ['a test of Bitbucket', { test: true }, { 'x-event-key': 'diagnostics:ping' }],
    ['a new user of GitLab', payloads.gitlabSystemOther, { 'x-gitlab-event': 'System Hook' }],
    ['the push of a repository that nobody follows', payloads.gitlab, { 'x-gitlab-event': 'Push Hook' }],
  ])('is not %s, which is answered and does nothing', async (_, payload, headers) => {
    const { send, asked } = forgeWorkbench(follower('a', repository))
    const answer = await send(payload, (body) => proofs.capstan(body, webhookSecret), { headers })
    expect([answer.statusCode, answer.json()]).toEqual([202, { jobIds: [] }])
    expect(asked()).toEqual([])
  })

  it.each(['', '{', '[]', 'null', '"x"', '{"repository":7}', '{"repository":{"url":{}}}', `${'['.repeat(100_000)}`])(
    'that cannot be read is refused: %.20j',
    async (payload) => {
      const { send } = forgeWorkbench(follower('a', repository))
      const answer = await send(payload, (body) => proofs.github(body, webhookSecret))
      expect([answer.statusCode, answer.json().reason]).toEqual([400, 'InvalidRequest'])
    },
  )

  it('never leads anywhere: what is fetched is the source’s own URL', async () => {
    const { send, queue } = forgeWorkbench(follower('a', repository))
    await send(
      { ...payloads.github, repository: { ...payloads.github.repository, clone_url: 'http://169.254.169.254/x' } },
      (body) => proofs.github(body, webhookSecret),
    )
    expect(JSON.stringify(queue.requests)).not.toContain('169.254')
    expect(queue.requests).toHaveLength(1)
  })

  it('is worked on once, however often it is delivered within a day, by any replica', async () => {
    const remembered = new Map<string, string>()
    const store = {
      get: async (key: string) => remembered.get(key),
      set: async (key: string, value: string) => void remembered.set(key, value),
    }
    let now = here.getTime()
    const replicas = [1, 2].map(() =>
      createWorkbench({ sources: [follower('a', repository)], app: { now: () => new Date(now), deliveries: store } }),
    )
    const payload = JSON.stringify(payloads.github)
    const headers = {
      ...proofs.github(payload, webhookSecret),
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    }
    const counts: number[] = []
    for (const { app } of [...replicas, ...replicas]) {
      const answer = await app.inject({ method: 'POST', url: '/hooks/v1', payload, headers })
      counts.push(answer.json().jobIds.length)
    }
    expect(counts).toEqual([1, 0, 0, 0])
    now += 24 * 60 * 60_000 + 1
    remembered.clear()
    const later = await replicas[0]?.app.inject({ method: 'POST', url: '/hooks/v1', payload, headers })
    expect(later?.json().jobIds).toHaveLength(1)
  })

  it('that could not be queued may be delivered again', async () => {
    const { send, queue, asked } = forgeWorkbench(follower('a', repository))
    const headers = { 'x-github-delivery': 'one' }
    const proof = (body: string) => proofs.github(body, webhookSecret)
    queue.goAway()
    const refused = await send(payloads.github, proof, { headers })
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '5'])
    queue.comeBack()
    expect((await send(payloads.github, proof, { headers })).statusCode).toBe(202)
    expect(asked()).toEqual(['a'])
  })

  it('is answered when the store is silent', async () => {
    const deliveries = { get: () => new Promise<undefined>(() => {}), set: () => new Promise<void>(() => {}) }
    const { app, queue } = createWorkbench({
      sources: [follower('a', repository)],
      app: { now: () => here, deliveries },
    })
    const payload = JSON.stringify(payloads.github)
    const headers = { ...proofs.github(payload, webhookSecret), 'x-github-delivery': 'one' }
    await app.ready()
    expect((await app.inject({ method: 'POST', url: '/hooks/v1', payload, headers })).statusCode).toBe(202)
    expect(queue.requests).toHaveLength(1)
  })

  it('is limited for each source: another one is not held up', async () => {
    const { send, asked } = forgeWorkbench(
      follower('a', repository),
      follower('b', 'https://example.com/mike/diaspora'),
    )
    const statuses: number[] = []
    for (let call = 0; call < 61; call++)
      statuses.push((await send(payloads.github, (body) => proofs.github(body, webhookSecret))).statusCode)
    expect([statuses.filter((status) => status === 202).length, statuses.at(-1)]).toEqual([60, 429])
    expect((await send(payloads.gitlab, (body) => proofs.gitlab(body, webhookSecret))).statusCode).toBe(202)
    expect(asked().filter((name) => name === 'b')).toHaveLength(1)
  })
})

describe('the proof of a webhook', () => {
  const secret = "It's a Secret to Everybody"
  const prove = (headers: Headers, body: string, now = here.getTime(), key = secret) =>
    isProven(headers, Buffer.from(body, 'latin1'), { secret: key, now })

  it.each<[string, Headers, string]>([
    [
      'GitHub',
      { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' },
      'Hello, World!',
    ],
    [
      'Bitbucket',
      { 'x-hub-signature': 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9' },
      'Hello World!',
    ],
  ])('holds for the example in the documentation of %s', (_forge, headers, body) => {
    expect(prove(headers, body)).toBe(true)
  })

  it('holds for the example of Standard Webhooks, while it is fresh', () => {
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature':
        'v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    }
    const key = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    const sent = 1_614_265_330_000
    for (const [off, expected] of [
      [0, true],
      [299_000, true],
      [-299_000, true],
      [301_000, false],
      [-301_000, false],
    ] as const)
      expect([off, prove(headers, '{"test": 2432232314}', sent + off, key)]).toEqual([off, expected])
  })

  it.each<[string, Headers]>([
    ['nothing', {}],
    ['only the old SHA-1', { 'x-hub-signature': 'sha1=7d38cdd689735b008b3c702edd92eea23791c5f6' }],
    ['a wrong signature beside the right token', { 'x-hub-signature-256': 'sha256=00', 'x-gitlab-token': secret }],
    ['an empty token', { 'x-gitlab-token': '' }],
    ['a signature without a time', { 'webhook-id': 'x', 'webhook-signature': 'v1,x' }],
  ])('is not %s', (_what, headers) => {
    expect(prove(headers, 'Hello, World!')).toBe(false)
  })

  it.each(Object.entries(proofs))('is none without a secret: %s', (_forge, proof) => {
    expect(prove(proof('{}', '', seconds), '{}', here.getTime(), '')).toBe(false)
  })

  it('does not hold after any one bit of body, signature, id, time or token was turned: 10,000 and more', () => {
    const body = JSON.stringify(payloads.gitea)
    let tried = 0
    let accepted = 0
    for (const [forge, proof] of Object.entries(proofs)) {
      const headers: Headers = proof(body, secret, seconds)
      expect([forge, prove(headers, body)]).toEqual([forge, true])
      const proven = Object.keys(headers).filter((name) =>
        /^(?!x-hub-signature$).*signature|token|^webhook-/.test(name),
      )
      const names = proven.length > 0 ? proven : ['x-hub-signature']
      for (const name of names)
        for (const value of flips(headers[name] ?? '')) {
          tried++
          if (prove({ ...headers, [name]: value }, body)) accepted++
        }
      if (forge === 'gitlab') continue
      for (const turned of flips(body)) {
        tried++
        if (prove(headers, turned)) accepted++
      }
    }
    expect(tried).toBeGreaterThan(10_000)
    expect(accepted).toBe(0)
  })
})

/** The text with each of its bits turned, one at a time. */
function* flips(text: string): Generator<string> {
  const bytes = Buffer.from(text, 'latin1')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const turned = Buffer.from(bytes)
    turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7))
    yield turned.toString('latin1')
  }
}
