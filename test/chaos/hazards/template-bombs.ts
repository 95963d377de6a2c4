import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { HelmTarget } from '../../../src/adapters/helm/helm.ts'
import { makeNamespace, realCluster, removeNamespace } from '../../cluster/world.ts'
import { archive } from '../../helm/world.ts'
import { dryRun, isLeak, marker, openChartGround } from '../chart-world.ts'
import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'
import type { Random } from '../random.ts'

export const i5: Hazard = {
  id: 'I5',
  promise:
    'templates that take processor, memory or output, ask names of hosts, other tenants’ objects or the environment (15): ended after ≤ 65 s of processor time and ≤ 1 GiB, no answer to what they ask, the loop of Capstan held ≤ 100 ms, the next chart renders',
  trials: scaled(15),
  run: (trial) => bomb(trial, bombs[trial.index % bombs.length] ?? bombs[0]),
  alone: true,
}

/** Files of a chart, by path. `mayRender`: what it asks for is answered with nothing, and that is well. */
type Bomb = { name: string; mayRender?: true; files: (random: Random) => Record<string, string | Buffer> }

const template = (text: string) => ({ 'templates/a.yaml': text })
const inMap = (text: string) =>
  template(`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ ${text} | quote }}}\n`)
const megabyte = 1024 * 1024

/** From those that end soon to those that do not. */
export const bombs: readonly [Bomb, ...Bomb[]] = [
  { name: 'one long text', files: (random) => template(`{{ repeat ${random.between(2, 90)}00000000 "x" }}`) },
  { name: 'a long list', files: (random) => template(`{{ range until ${random.between(3, 9)}00000000 }}x{{ end }}`) },
  {
    name: 'much output',
    files: (random) => template(`# {{ repeat ${random.between(34, 90) * megabyte} "x" }}\n`),
  },
  {
    name: 'a text that doubles',
    files: (random) =>
      template(
        `{{ $t := dict "x" "${'x'.repeat(random.between(1, 99))}" }}{{ range until 64 }}{{ $_ := set $t "x" (cat $t.x $t.x) }}{{ end }}`,
      ),
  },
  { name: 'a name that is looked up', mayRender: true, files: () => inMap('getHostByName "localhost"') },
  {
    name: 'objects of another tenant',
    files: (random) => inMap(`lookup "v1" "Secret" .Values.theirs "${random.pick(['', 'theirs'])}" | toJson`),
  },
  {
    name: 'the environment',
    files: (random) => inMap(random.pick(['env "KUBECONFIG"', 'expandenv "$PATH $HOME"'])),
  },
  {
    name: 'a template that calls itself',
    files: (random) =>
      template(
        random.pick([
          '{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}',
          '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
          `{{ $t := "{{ tpl .t . }}" }}{{ tpl $t (dict "t" $t "Template" .Template) }}`,
        ]),
      ),
  },
  {
    name: 'a packed subchart that is a bomb',
    files: (random) => ({
      ...template('# nothing\n'),
      'charts/sub-1.0.0.tgz': gzipSync(Buffer.alloc(random.between(120, 400) * megabyte), { level: 1 }),
    }),
  },
  {
    name: 'a subchart with a large file',
    files: (random) => ({
      ...template('# nothing\n'),
      'charts/sub-1.0.0.tgz': archive([
        { path: 'sub/Chart.yaml', content: 'apiVersion: v2\nname: sub\nversion: 1.0.0\n' },
        { path: 'sub/files/a', content: '\0'.repeat(random.between(6, 40) * megabyte) },
      ]),
    }),
  },
  {
    name: 'aliases of aliases',
    mayRender: true,
    files: (random) => ({
      ...template('{{ (fromYaml (.Files.Get "bomb")).z | toJson }}\n'),
      bomb: laughs(random.between(9, 14)),
    }),
  },
  {
    name: 'values that are aliases of aliases',
    files: (random) => ({ ...template('{{ toJson .Values }}\n'), 'values.yaml': laughs(random.between(9, 14)) }),
  },
  {
    name: 'loops in loops',
    files(random) {
      const n = random.between(200_000, 900_000)
      return template(`{{ range until ${n} }}{{ range until ${n} }}{{ end }}{{ end }}`)
    },
  },
  {
    name: 'keys without end',
    files: (random) =>
      template(`{{ range until 1000000 }}{{ $_ := ${random.pick(['genPrivateKey "rsa"', 'genCA "x" 1'])} }}{{ end }}`),
  },
  {
    name: 'hashes without end',
    files: (random) =>
      template(
        `{{ range until 10000000 }}{{ $_ := ${random.pick(['bcrypt "x"', 'derivePassword 1 "long" "p" "u" "example.com"', 'sha256sum (repeat 100000 "x")'])} }}{{ end }}`,
      ),
  },
]

function laughs(depth: number): string {
  const level = (n: number) => `l${n}: &l${n} [${Array.from({ length: 9 }, () => `*l${n - 1}`).join(', ')}]`
  return ['l0: &l0 [lol]', ...Array.from({ length: depth }, (_, n) => level(n + 1)), `z: *l${depth}\n`].join('\n')
}

export async function bomb({ world, random }: Trial, { name, mayRender, files }: Bomb): Promise<TrialResult> {
  const ground = openChartGround(world)
  const { account, theirs } = await makeTenants((end) => world.atEnd(end))
  const chart = (folder: string, contents: Record<string, string | Buffer>) => {
    const path = join(world.directory, folder)
    for (const [file, text] of Object.entries({
      'Chart.yaml': 'apiVersion: v2\nname: app\nversion: 0.1.0\n',
      ...contents,
    })) {
      mkdirSync(dirname(join(path, file)), { recursive: true })
      writeFileSync(join(path, file), text)
    }
    return path
  }
  const request = { ...dryRun(chart('bomb', files(random)), { theirs }), namespace: account.namespace, account }
  const begun = performance.now()
  const used = childSeconds()
  const watch = watchLoopAndChildren()
  const outcome = await ground.helm.preview(request)
  const { busyMs, megabytes } = watch()
  const processorSeconds = Math.round((childSeconds() - used) * 10) / 10
  const wall = secondsSince(begun)
  const text = outcome.ok ? outcome.manifest : outcome.message
  const next = await ground.helm.preview({ ...request, chartPath: chart('good', template('# fine\n')) })
  const isTheirs = isLeak(text) || text.includes(Buffer.from(marker).toString('base64'))
  const asks = isTheirs || /127\.0\.0\.1|::1|\/bin:/.test(text)
  const result = judge(
    {
      notEnded: [outcome.ok && !mayRender ? 1 : 0, 0],
      answered: [asks ? 1 : 0, 0],
      processorSeconds: [processorSeconds, 65],
      megabytes: [megabytes, 1024],
      loopHeldMs: [busyMs, 100],
      nextFails: [next.ok ? 0 : 1, 0],
    },
    `${name}: ${text.slice(0, 300)}`,
  )
  return { ...result, measured: { ...result.measured, wallSeconds: wall } }
}

type Account = NonNullable<HelmTarget['account']>

/** A service account that may use helm in its own namespace, and the namespace of a Secret that it must not see. */
async function makeTenants(
  atEnd: (end: () => Promise<unknown>) => void,
): Promise<{ account: Account; theirs: string }> {
  const cluster = realCluster()
  const [namespace, theirs] = [await makeNamespace(cluster), await makeNamespace(cluster)]
  atEnd(async () => {
    for (const name of [namespace, theirs]) await removeNamespace(cluster, name)
    await cluster.close()
  })
  const metadata = { name: 'tenant', namespace }
  const group = 'rbac.authorization.k8s.io'
  const rules = [{ apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['*'] }]
  const subjects = [{ kind: 'ServiceAccount', ...metadata }]
  const roleRef = { apiGroup: group, kind: 'Role', name: 'tenant' }
  for (const object of [
    { apiVersion: `${group}/v1`, kind: 'Role', metadata, rules },
    { apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata, subjects, roleRef },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'theirs', namespace: theirs }, stringData: { text: marker } },
  ])
    await cluster.apply(object, { force: true })
  return { account: { namespace, serviceAccount: 'tenant' }, theirs }
}

/** Processor time of all children that have ended, in seconds. */
function childSeconds(): number {
  const [, fields = ''] = /\) (.*)$/s.exec(readFileSync('/proc/self/stat', 'utf8')) ?? []
  const [user = '0', system = '0'] = fields.split(' ').slice(13, 15)
  return (Number(user) + Number(system)) / 100
}

/**
 * From now on: the longest that this thread worked without letting others in, by its processor time, so that others on the machine do
 * not count; and the most memory that a program held which was started since. The control plane is a child of ours, too.
 */
function watchLoopAndChildren(): () => { busyMs: number; megabytes: number } {
  let last = process.threadCpuUsage()
  const earlier = new Set(childPids())
  const worst = { busyMs: 0, megabytes: 0 }
  const look = () => {
    const { user, system } = process.threadCpuUsage(last)
    worst.busyMs = Math.max(worst.busyMs, Math.round((user + system) / 1000))
    worst.megabytes = Math.max(worst.megabytes, ...childPids().map((pid) => (earlier.has(pid) ? 0 : megabytesOf(pid))))
    last = process.threadCpuUsage()
  }
  const timer = setInterval(look, 10)
  return () => {
    look()
    clearInterval(timer)
    return worst
  }
}

function childPids(): string[] {
  const threads = readdirSync('/proc/self/task')
  return threads.flatMap((id) =>
    read(() => readFileSync(`/proc/self/task/${id}/children`, 'utf8'))
      .split(' ')
      .filter(Boolean),
  )
}

/** Private memory; none as long as it is only a copy of this process, whose memory it shares until it starts its program. */
function megabytesOf(pid: string): number {
  if (read(() => readlinkSync(`/proc/${pid}/exe`)) === process.execPath) return 0
  const [, kilobytes = 0] = /^RssAnon:\s+(\d+)/m.exec(read(() => readFileSync(`/proc/${pid}/status`, 'utf8'))) ?? []
  return Math.round(Number(kilobytes) / 1024)
}

/** Empty when the process has gone. */
function read(from: () => string): string {
  try {
    return from()
  } catch {
    return ''
  }
}
