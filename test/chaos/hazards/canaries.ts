import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { startServer } from '../../registry/fake-registry.ts'
import { accesses, type Canary, failures, makeCanary, spellings } from '../failing-paths.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import { openReleaseStage, type ReleaseStage } from '../release-stage.ts'
import type { World } from '../world.ts'

const run = promisify(execFile)

export const k1: Hazard = {
  id: 'K1',
  promise:
    '200 secrets through 60 ways to fail (templates, the API server, values, logins of charts, git and registries, the API): 0 found in the log, status, events, records, Redis, metrics or answers of the API, in any spelling',
  trials: scaled(3),
  run: (trial) => canaries(trial, trial.scale >= 1 ? allPaths : 16),
  limitMs: 600_000,
}

const allPaths = failures.length + accesses.length

/** A real Capstan whose every release fails, and says why. */
export async function canaries({ world, random, index }: Trial, count: number): Promise<TrialResult> {
  const gossip = await startGossip(world)
  const ground = await openReleaseStage(world, [
    '--charts-sync-interval=10s',
    '--log-level=debug',
    '--log-release-diffs',
  ])
  await publish(world, ground)
  const known: Canary[] = []
  const canary = () => {
    const made = makeCanary(random)
    known.push(made)
    return made
  }
  ground.capstan.start()
  await ground.capstan.ready(180_000)
  let made = 0
  for (let n = 0; n < count; n++) {
    const at = (index * 7 + n * 11) % allPaths
    const name = `path-${at}`
    const access = accesses[at - failures.length]
    const spec = access
      ? await access(name, canary(), { ...ground, charts: ground.charts.url, gossip })
      : await failing(ground, { name, at, canary })
    if ((await ground.put(name, { releaseName: name, timeout: 30, ...spec })) === 201) made++
  }
  await askApi(ground, canary())
  const judged = await ground.judged(made, 240_000)
  const texts = await everythingWritten(ground)
  const found = known.flatMap((one) =>
    Object.entries(texts).flatMap(([where, text]) =>
      spellings(one).some((spelling) => text.includes(spelling)) ? [`${where}: ${excerpt(text, one)}`] : [],
    ),
  )
  const masked = Object.values(texts).join('').split('*****').length - 1
  const result = judge(
    {
      found: [found.length, 0],
      notTried: [count - made, 0],
      notJudged: [made - judged, 0],
      nothingMasked: [masked > 0 ? 0 : 1, 0],
    },
    found.slice(0, 5).join('\n'),
  )
  return { ...result, measured: { ...result.measured, secrets: known.length, paths: count, masked } }
}

/** Where it stands, so that the way there can be closed. */
function excerpt(text: string, one: Canary): string {
  const at = Math.min(
    ...spellings(one)
      .map((spelling) => text.indexOf(spelling))
      .filter((place) => place >= 0),
  )
  return text.slice(Math.max(0, at - 200), at + 60)
}

/** Repeats a login in each of its spellings: in a refusal, in what is no index, in the place that it sends on to. */
async function startGossip(world: World): Promise<string> {
  const server = await startServer(({ path, authorization = '' }, answer, host) => {
    if (!authorization && /\.git|refused/.test(path) && !path.includes('token='))
      return void answer.writeHead(401, { 'www-authenticate': 'Basic realm="a"' }).end('who is there?')
    const [, encoded = ''] = authorization.split(' ')
    const plain = Buffer.from(encoded, 'base64').toString()
    const said = [path, authorization, plain, JSON.stringify(plain), encodeURIComponent(plain)].join(' ')
    if (path.includes('moved'))
      return void answer.writeHead(302, { location: `http://${host}/x/${encodeURIComponent(plain)}` }).end(said)
    if (path.includes('index')) return void answer.end(`entries: {demo: ${said}: [\n`)
    if (path.includes('broken')) return void answer.writeHead(500, said.replaceAll(/[^ -~]/g, '')).end(said)
    return void answer
      .writeHead(path.includes('.git') ? 418 : 403, { 'content-type': 'text/plain' })
      .end(`refused: ${said}\n`)
  })
  world.atEnd(() => server.close())
  return server.host
}

/** One version of the chart for each template that fails, and one whose schema does. */
async function publish(world: World, { charts }: ReleaseStage): Promise<void> {
  const folders = failures.map((template, n) => {
    const folder = join(world.directory, 'charts', String(n), 'demo')
    const schema = { properties: { secret: { type: 'string', ...(n % 5 === 4 ? { pattern: '^never$' } : {}) } } }
    const files = {
      'Chart.yaml': `apiVersion: v2\nname: demo\nversion: ${n + 1}.0.0\n`,
      'values.yaml': 'secret: none\nlist: [a, b]\nmap: {deep: {secret: none}}\n',
      'templates/a.yaml': `${template}\n`,
      'values.schema.json': JSON.stringify(schema),
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    return folder
  })
  await charts.publish(...folders)
}

async function failing(
  { charts, putSecret }: ReleaseStage,
  { name, at, canary }: { name: string; at: number; canary: () => Canary },
): Promise<Record<string, unknown>> {
  const all = {
    secret: canary().text,
    list: ['a', canary().text, canary().text, canary().text],
    map: { deep: { secret: canary().text } },
  }
  await putSecret(name, { 'values.yaml': JSON.stringify(all) })
  const byFile = at % 2 === 0 ? { valueFileSecrets: [{ name }] } : { valuesFrom: [{ secretKeyRef: { name } }] }
  return { chart: { repository: charts.url, name: 'demo', version: `${at + 1}.0.0` }, ...byFile }
}

/** What people send by mistake. */
async function askApi({ capstan }: ReleaseStage, { text }: Canary): Promise<void> {
  const ask = async (path: string, init: RequestInit) =>
    void (await (await fetch(`${capstan.url}${path}`, init)).text())
  const token = encodeURIComponent(text)
  await ask('/api/v1/status', { headers: { authorization: `Bearer ${token}` } })
  await ask(`/api/v1/status?access_token=${token}`, {})
  await ask('/hooks/v1/default', { method: 'POST', body: text, headers: { 'x-capstan-signature-256': token } })
  await ask('/hooks/v1/default', { method: 'POST', body: text, headers: { 'x-gitlab-token': token } })
  await ask('/api/v1/jobs', { method: 'POST', body: text, headers: { authorization: `Basic ${btoa(token)}` } })
}

const answers = [
  'status',
  'releases',
  'sources',
  'jobs',
  'events',
  'events/export',
  'history',
  'explain',
  'queues',
  'sinks',
  'version',
]

/** Every text that Capstan gives, by where it was found. */
async function everythingWritten(ground: ReleaseStage): Promise<Record<string, string>> {
  const { stage, capstan, namespace } = ground
  const texts: Record<string, string> = { log: readFileSync(capstan.logFile, 'utf8'), redis: await redisOf(ground) }
  const get = async (path: string) => await stage.cluster.call('GET', path)
  const releases = (await get(`/apis/helm.fluxcd.io/v1/namespaces/${namespace}/helmreleases`)).body as {
    items: { metadata: { name: string; annotations?: object }; status?: object }[]
  }
  for (const { metadata, status } of releases.items)
    texts[`status of ${metadata.name}`] = JSON.stringify([status, metadata.annotations])
  for (const space of [namespace, stage.namespace]) {
    for (const kind of ['events', 'configmaps'])
      texts[`${kind} of ${space}`] = JSON.stringify((await get(`/api/v1/namespaces/${space}/${kind}`)).body)
    texts[`leases of ${space}`] = JSON.stringify(
      (await get(`/apis/coordination.k8s.io/v1/namespaces/${space}/leases`)).body,
    )
  }
  const { token } = readToken(capstan.directory)
  const named = releases.items.flatMap(({ metadata: { name } }) =>
    ['', '/history'].map((more) => `releases/${namespace}/${name}${more}`),
  )
  for (const path of [...answers, ...named]) {
    const response = await fetch(`${capstan.url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } })
    texts[`/api/v1/${path}`] = await response.text()
  }
  texts.metrics = await (await fetch(`${capstan.url}/metrics`)).text()
  return texts
}

function readToken(directory: string): { token: string } {
  return { token: readFileSync(join(directory, 'token'), 'utf8') }
}

/** All keys and what they hold. */
async function redisOf({ stage }: ReleaseStage): Promise<string> {
  const port = new URL(stage.redis.url).port
  const cli = async (...words: string[]) =>
    (await run('redis-cli', ['-p', port, '--no-raw', ...words], { maxBuffer: 256 * 1024 * 1024 })).stdout
  const read: Record<string, (key: string) => string[]> = {
    string: (key) => ['GET', key],
    hash: (key) => ['HGETALL', key],
    list: (key) => ['LRANGE', key, '0', '-1'],
    set: (key) => ['SMEMBERS', key],
    zset: (key) => ['ZRANGE', key, '0', '-1'],
    stream: (key) => ['XRANGE', key, '-', '+'],
  }
  const texts: string[] = []
  for (const key of (await stage.redisCommand('--scan')).split('\n').filter(Boolean)) {
    const type = await stage.redisCommand('TYPE', key)
    texts.push(key, await cli(...(read[type]?.(key) ?? ['TYPE', key])))
  }
  return texts.join('\n')
}
