import { AppError } from '../../../src/domain/error.ts'
import { readTags, tagsKey } from '../../../src/domain/image/facts.ts'
import { createFakeStore } from '../../fakes/store.ts'
import { json } from '../../registry/fake-registry.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import { makeContent, openRegistry, scan, startFaulty } from '../registry-world.ts'

const auth = { username: 'user', password: 'password' }
const minute = 60_000

export const e1: Hazard = {
  id: 'E1',
  promise:
    'a token expires in the middle of a scan: recovered with ≤ 2 more requests; a login that is refused touches no other repository and no stored tag',
  trials: scaled(50),
  run: tokenExpires,
}

async function tokenExpires({ world, random }: Trial): Promise<TrialResult> {
  const content = makeContent(30)
  const state = { issued: 0, answered: 0, isRevoked: false }
  const expiresAt = random.between(1, 60)
  const server = await startFaulty(world, (seen, answer, host) => {
    if (seen.path.startsWith('/token')) {
      if (state.isRevoked) return json(answer, 401, {})
      return json(answer, 200, { token: `token-${++state.issued}`, expires_in: 3600 })
    }
    if (seen.path.startsWith('/v2/open/')) return content.answerTo(seen, answer, host)
    const isGood = state.issued > 0 && seen.authorization === `Bearer token-${state.issued}` && !state.isRevoked
    if (!isGood) return json(answer, 401, {}, { 'www-authenticate': `Bearer realm="http://${host}/token",service="s"` })
    // the token that it brought is good no more from the next request on
    if (++state.answered === expiresAt) state.issued++
    return content.answerTo(seen, answer, host)
  })
  const registry = openRegistry(world, { burst: 1 })
  const store = createFakeStore()
  const found = await scan(`${server.host}/app`, { registry, store, auth })
  // tags, 30 manifests, 30 configurations; before them a ping, a refusal and the first token
  const more = server.seen.filter(({ path }) => path !== '/v2/').length - (61 + 2)
  state.isRevoked = true
  const refused = await scan(`${server.host}/app`, { registry, store, auth }).catch((error: unknown) => error)
  const kept = readTags(await store.get(tagsKey(`${server.host}/app`)))?.tags.length ?? 0
  const other = await scan(`${server.host}/open/app`, { registry, store, auth })
  return judge({
    notRead: [found.unread, 0],
    moreRequests: [more, 2],
    wrongReason: [refused instanceof AppError && refused.reason === 'RegistryAuthFailed' ? 0 : 1, 0],
    tagsForgotten: [30 - kept, 0],
    othersMissing: [30 - other.tags.length + other.unread, 0],
  })
}

export const e2: Hazard = {
  id: 'E2',
  promise:
    '429 for an hour, with or without a time, over a restart: ≤ 1 request in 5 min, work again ≤ 5 min after its end',
  trials: scaled(50),
  run: tooManyRequests,
}

/** The clock is the trial's; what is asked for is what 20 repositories want each minute. */
async function tooManyRequests({ world, random }: Trial): Promise<TrialResult> {
  const content = makeContent(3)
  const clock = { now: Date.UTC(2026, 0, 1) }
  const state = { isRefusing: true }
  const headers = random.pick<() => Record<string, string>>([
    () => ({}),
    () => ({ 'retry-after': '300' }),
    () => ({ 'retry-after': 'soon' }),
    () => ({ 'ratelimit-remaining': '0;w=21600', 'ratelimit-reset': '300' }),
  ])
  const server = await startFaulty(world, (seen, answer, host) =>
    state.isRefusing ? json(answer, 429, {}, headers()) : content.answerTo(seen, answer, host),
  )
  const memory = createFakeStore(() => clock.now)
  const open = () => openRegistry(world, { memory, now: () => clock.now })
  let registry = open()
  const asked = () => server.seen.filter(({ path }) => path !== '/v2/').length
  const restartAt = random.between(1, 59)
  const one = async (n: number) =>
    await registry.tags(`${server.host}/app-${n}`, { insecure: true }).then(
      () => true,
      () => false,
    )
  // the requests that are under way when it begins
  await Promise.all(Array.from({ length: 20 }, (_, n) => one(n)))
  const before = asked()
  for (let at = 1; at <= 60; at++) {
    clock.now += minute
    if (at === restartAt) registry = open()
    await Promise.all(Array.from({ length: 20 }, (_, n) => one(n)))
  }
  const during = asked() - before
  state.isRefusing = false
  let resumedAfter = 0
  while (!(await one(0)) && resumedAfter < 60) {
    clock.now += minute
    resumedAfter++
  }
  return judge({ requestsInAnHour: [during, 12], minutesToResume: [resumedAfter, 5], atOnceAtTheStart: [before, 10] })
}

export const e3: Hazard = {
  id: 'E3',
  promise:
    'a fifth of all answers is an error, broken off, cut or nonsense: the scan ends whole, 0 wrong tags and times',
  trials: scaled(50),
  run: faultyAnswers,
}

async function faultyAnswers({ world, random }: Trial): Promise<TrialResult> {
  const content = makeContent(50)
  const state = { faults: 0 }
  const server = await startFaulty(world, (seen, answer, host) => {
    if (random.next() >= 0.2) return content.answerTo(seen, answer, host)
    state.faults++
    switch (random.between(0, 4)) {
      case 0:
        return void answer.destroy()
      case 1:
        return json(answer, random.pick([500, 502, 503, 504]), {})
      case 2:
        answer.writeHead(200, { 'content-length': '1000' })
        answer.write('{"tags":["wrong"')
        return void setImmediate(() => answer.destroy())
      case 3:
        return void answer.end('{"tags":["wrong"')
      default:
        return void answer.writeHead(404).end('<html>no such page</html>')
    }
  })
  const registry = openRegistry(world)
  const store = createFakeStore()
  let rounds = 0
  let wrong = 0
  for (; rounds < 30; rounds++) {
    const found = await scan(`${server.host}/app`, { registry, store }).catch((error: unknown) => error)
    if (!(found instanceof Object && 'unread' in found)) {
      if (!(found instanceof AppError)) throw found
      continue
    }
    const { tags, described, unread } = found as Awaited<ReturnType<typeof scan>>
    wrong += tags.filter((tag) => !content.tags.includes(tag)).length + (content.tags.length - tags.length)
    if (unread === 0 && described.size === content.tags.length) {
      // an answer that is nonsense may leave a tag without a time, never with a wrong one
      for (const [tag, { created }] of described)
        if (created !== undefined && created !== content.createdOf(tag)) wrong++
      break
    }
  }
  return {
    ...judge({ wrong: [wrong, 0], rounds: [rounds + 1, 15] }),
    measured: { wrong, rounds: rounds + 1, faults: state.faults },
  }
}

export const e6: Hazard = {
  id: 'E6',
  promise:
    'a registry that sends us elsewhere for a token, a page or a blob: 0 requests with a login to any other host, 0 to the link’s own addresses',
  trials: scaled(100),
  run: sentElsewhere,
}

async function sentElsewhere({ world, random }: Trial): Promise<TrialResult> {
  const content = makeContent(2)
  const canary = await startFaulty(world, (_, answer) => json(answer, 200, { token: 'stolen', tags: ['evil'] }))
  const elsewhere = [
    `http://${canary.host.replace('127.0.0.1', 'localhost')}`,
    `http://user@${canary.host.replace('127.0.0.1', 'localhost')}`,
    'http://169.254.169.254/latest/meta-data/iam',
    'http://[fd00:ec2::254]/latest',
    'http://metadata.google.internal/computeMetadata',
    'http://[::ffff:169.254.169.254]/',
    'file:///etc/passwd',
    '//169.254.169.254/x',
    'gopher://127.0.0.1:6379/_FLUSHALL',
  ]
  const target = random.pick(elsewhere)
  const way = random.pick(['realm', 'page', 'token by redirect'] as const)
  const server = await startFaulty(world, (seen, answer, host) => {
    const challenge = (realm: string) =>
      json(answer, 401, {}, { 'www-authenticate': `Bearer realm="${realm}",service="s"` })
    if (way === 'realm') return challenge(target)
    if (seen.path.startsWith('/token')) return void answer.writeHead(307, { location: `${target}/token` }).end()
    if (way === 'token by redirect') return challenge(`http://${host}/token`)
    if (seen.path.includes('/tags/')) {
      return json(answer, 200, { tags: ['tag-0'] }, { link: `<${target}/v2/app/tags/list>; rel="next"` })
    }
    return content.answerTo(seen, answer, host)
  })
  const registry = openRegistry(world, { timeoutMs: 5_000 })
  const failed = await registry.tags(`${server.host}/app`, { insecure: true, auth }).then(
    () => 0,
    () => 1,
  )
  const withLogin = canary.seen.filter(({ authorization }) => authorization !== undefined).length
  const pages = way === 'token by redirect' ? 0 : canary.seen.filter(({ path }) => path !== '/v2/').length
  return judge({ withLogin: [withLogin, 0], followed: [pages, 0], believed: [1 - failed, 0] }, `${way} ${target}`)
}
