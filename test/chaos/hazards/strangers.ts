import { execFile } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pLimit from 'p-limit'
import { until } from '../../../playground/stack/until.ts'
import { type Hazard, judge, secondsSince, type Trial, type TrialResult } from '../hazard.ts'
import type { Random } from '../random.ts'
import type { Stage } from '../world.ts'

const run = promisify(execFile)
const oneTrial = (): number => 1

export const l1: Hazard = {
  id: 'L1',
  promise:
    '10,000 tokens at scale 1 (unsigned, of another key, of changed claims, expired, for somebody else, cut, garbage), each judged by the cluster: 0 accepted',
  trials: oneTrial,
  run: (trial) => tokens(trial, Math.max(100, Math.round(10_000 * trial.scale))),
  limitMs: 900_000,
}

/** Tokens that are not good at a real Capstan that asks a real cluster; good ones of the same account are taken before and after. */
export async function tokens({ world, random }: Trial, count: number): Promise<TrialResult> {
  const stage = await world.stage({ flags: ['--api-auth=kubernetes', '--api-rate=1000000'] })
  stage.capstan.start()
  await stage.capstan.ready()
  const good = await until('the account has a token', async () => await tokenFor(stage, world.stack.kubectl))
  const theirs = await tokenFor(stage, world.stack.kubectl, '--audience=vault')
  const status = async (token: string, tries = 20): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${stage.capstan.url}/api/v1/version`, { headers })
    await answer.arrayBuffer()
    // the cluster was too slow to judge it
    return answer.status === 503 && tries > 1 ? await status(token, tries - 1) : answer.status
  }
  const before = await status(good)
  const forge = createForger(good, theirs, random)
  const limit = pLimit(20)
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => limit(() => status(forge(index)))))
  const accepted = answers.filter((one) => one < 400).length
  const notJudged = answers.filter((one) => one >= 400 && one !== 401).length
  const refusedGood = [before, await status(good)].filter((one) => one !== 200).length
  const verdict = judge({ accepted: [accepted, 0], notJudged: [notJudged, 0], refusedGood: [refusedGood, 0] })
  return { ...verdict, measured: { ...verdict.measured, tokens: count } }
}

async function tokenFor({ kubeconfig, namespace }: Stage, kubectl: string, ...args: string[]): Promise<string> {
  const about = ['--kubeconfig', kubeconfig, 'create', 'token', 'default', '--namespace', namespace]
  return (await run(kubectl, [...about, ...args])).stdout.trim()
}

/** Gives one bad token after the other, none twice. */
function createForger(good: string, theirs: string, random: Random): (index: number) => string {
  const [head = '', body = '', signature = ''] = good.split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = (claimed: object): string => {
    const text = `${encode(header)}.${encode(claimed)}`
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
  }
  const past = (index: number) => ({ ...claims, iat: 1, nbf: 1, exp: 1000 + index })
  const kinds: readonly ((index: number) => string)[] = [
    (index) => `${encode({ alg: 'none', typ: 'JWT', n: index })}.${body}.`,
    (index) => `${encode({ alg: random.pick(['NONE', 'HS256', 'ES256']), n: index })}.${body}.${signature}`,
    (index) =>
      `${head}.${encode({ ...claims, sub: 'system:serviceaccount:kube-system:admin', n: index })}.${signature}`,
    (index) => signed({ ...claims, n: index }),
    (index) => signed(past(index)),
    (index) => `${head}.${encode(past(index))}.${signature}`,
    (index) => signed({ ...claims, aud: ['vault'], n: index }),
    (index) => (index < 10 ? theirs : `${theirs}${index}`),
    (index) => flipped(good, index, random),
    (index) => good.slice(0, random.between(1, good.length - 1)) + '.'.repeat(index % 3),
    (index) => Buffer.from(`${index} ${random.between(0, 1e9)}`).toString('base64'),
  ]
  return (index) => kinds[index % kinds.length]?.(index) ?? ''
}

/** One character of the signature is another one; not the last, whose low bits mean nothing. */
function flipped(token: string, index: number, random: Random): string {
  const start = token.lastIndexOf('.') + 1
  const at = start + ((index * 7 + random.between(0, 6)) % (token.length - start - 1))
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const old = letters.indexOf(token[at] ?? 'A')
  return `${token.slice(0, at)}${letters[(old + random.between(1, 63)) % 64]}${token.slice(at + 1)}`
}

export const l9: Hazard = {
  id: 'L9',
  promise:
    '1,000 sockets that send a byte a second of headers or body: health answers within 200 ms (19 of 20), headers are cut off after 15 s, bodies after 30 s (both looked for each 5 s), and the process goes on',
  trials: oneTrial,
  run: (trial) => slowSockets(trial, 1000),
  alone: true,
  limitMs: 120_000,
}

/** Half of them never end their headers, half never their body. */
export async function slowSockets({ world }: Trial, count: number): Promise<TrialResult> {
  const { capstan } = await world.stage()
  capstan.start()
  await capstan.ready()
  const port = Number(new URL(capstan.url).port)
  const begun = performance.now()
  const sockets = Array.from({ length: count }, (_, index) =>
    openSlow(port, index % 2 === 0 ? 'headers' : 'body', begun),
  )
  const health: number[] = []
  while (sockets.some(({ closedAfter }) => closedAfter === undefined) && secondsSince(begun) < 60) {
    const before = performance.now()
    const { ok } = await fetch(`${capstan.url}/healthz`)
    health.push(ok ? performance.now() - before : 60_000)
    for (const { socket } of sockets) if (!socket.destroyed) socket.write('x')
    await sleep(1000)
  }
  for (const { socket } of sockets) socket.destroy()
  const worst = (what: 'headers' | 'body') =>
    Math.max(...sockets.filter((one) => one.what === what).map(({ closedAfter = 60 }) => closedAfter))
  return judge({
    healthMs: [Math.round(health.toSorted((a, b) => a - b)[Math.floor(health.length * 0.95)] ?? 60_000), 200],
    headerSeconds: [worst('headers'), 22],
    bodySeconds: [worst('body'), 37],
    crashes: [capstan.crashes(), 0],
  })
}

type Slow = { what: 'headers' | 'body'; socket: Socket; closedAfter?: number }

function openSlow(port: number, what: Slow['what'], begun: number): Slow {
  const socket = connect(port, '127.0.0.1')
  const slow: Slow = { what, socket }
  socket
    .on('error', () => {})
    .once('close', () => {
      slow.closedAfter = secondsSince(begun)
    })
  // an answer is read, so that the end of the stream is seen
  socket.resume()
  socket.write(
    what === 'headers'
      ? 'GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx: '
      : 'POST /hooks/v1/default HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n',
  )
  return slow
}
