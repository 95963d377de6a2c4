import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createGit } from '../../../src/adapters/git/index.ts'
import type { Run } from '../../../src/lib/run.ts'
import { quiet } from '../../cluster/world.ts'
import { createRepository } from '../../e2e/repository.ts'
import { dryRun, openChartGround } from '../chart-world.ts'
import { type Canary, makeCanary, spellings } from '../failing-paths.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import { sampleProcesses } from '../proc-sampler.ts'

const runsPerTrial = 100

export const k4: Hazard = {
  id: 'K4',
  promise:
    '1,000 runs of git and helm with secret logins and values, that end well and badly, while the command line and environment of every process are read over and over, and those of git and helm as they start: 0 hits',
  trials: scaled(10),
  run: (trial) => childArguments(trial, runsPerTrial),
}

/** A git in front of git writes down what it was given; what helm is given goes through our own door. */
export async function childArguments({ world, random }: Trial, count: number): Promise<TrialResult> {
  const [login, text, wrong] = [makeCanary(random), makeCanary(random), makeCanary(random)]
  // the server's own clone has the password in its URL, so the one that it takes is no spelling with escapes
  const auth = { user: 'bot', password: login.core }
  const repository = await createRepository({ auth })
  world.atEnd(() => repository.stop())
  await repository.push({ 'a.yaml': 'a: b\n' })
  const seen = join(world.directory, 'seen')
  const given: string[] = []
  const ground = openChartGround(world, {
    wrap:
      (run): Run =>
      (request) => {
        given.push(JSON.stringify([request.args, request.env]))
        return run(request)
      },
  })
  const git = createGit({
    directory: join(world.directory, 'authenticated'),
    timeoutMs: 60_000,
    log: quiet,
    environment: { PATH: `${shim(world.directory, seen)}:${process.env.PATH ?? ''}` },
  })
  const chart = join(world.directory, 'chart')
  for (const [path, content] of Object.entries({
    'Chart.yaml': 'apiVersion: v2\nname: app\nversion: 0.1.0\n',
    'templates/a.yaml': '{{ if .Values.fail }}{{ fail .Values.secret }}{{ end }}',
  })) {
    mkdirSync(dirname(join(chart, path)), { recursive: true })
    writeFileSync(join(chart, path), content)
  }
  const remote = (password: string) => ({
    url: repository.url,
    auth: { kind: 'basic' as const, username: auth.user, password },
  })
  const kinds = [
    () => git.fetch(remote(auth.password)),
    () => git.resolve(remote(auth.password), 'main'),
    () => git.fetch(remote(wrong.text)),
    () => git.fetch({ url: repository.url.replace('//', `//bot:${encodeURIComponent(wrong.text)}@`) }),
    () => ground.helm.preview(dryRun(chart, { secret: text.text })),
    () => ground.helm.preview(dryRun(chart, { secret: text.text, fail: true })),
  ]
  const needles = [login, text, wrong].flatMap((canary: Canary) => spellings(canary))
  const stop = sampleProcesses(world.directory, needles)
  const queue = Array.from({ length: count }, (_, n) => kinds[n % kinds.length])
  const worker = async () => {
    for (let job = queue.pop(); job; job = queue.pop()) await job().catch(() => undefined)
  }
  await Promise.all([worker(), worker(), worker()])
  const { hits, processes, rounds } = await stop()
  const written = [...given, ...(existsSync(seen) ? readFileSync(seen, 'utf8').split('\n') : [])]
  const atStart = written.filter((line) => needles.some((needle) => line.includes(needle)))
  const starts = given.length + written.filter((line) => line.startsWith('git was given')).length
  const result = judge(
    {
      hits: [hits.length, 0],
      hitsAtStart: [atStart.length, 0],
      notStarted: [starts >= count / 2 ? 0 : 1, 0],
      notSampled: [processes > 0 ? 0 : 1, 0],
    },
    [...hits, ...atStart].join('\n').slice(0, 2_000),
  )
  return { ...result, measured: { ...result.measured, starts, processes, rounds } }
}

function shim(directory: string, seen: string): string {
  const bin = join(directory, 'bin')
  mkdirSync(bin)
  const real = execFileSync('sh', ['-c', 'command -v git']).toString().trim()
  const lines = ['#!/bin/sh', `{ echo "git was given $*"; env; } >> ${seen}`, `exec ${real} "$@"`, '']
  writeFileSync(join(bin, 'git'), lines.join('\n'), { mode: 0o755 })
  return bin
}
