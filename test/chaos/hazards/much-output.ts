import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { until } from '../../../playground/stack/until.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import { openMemoryGroup } from '../memory-group.ts'
import { openReleaseStage, type ReleaseStage } from '../release-stage.ts'

export const a7: Hazard = {
  id: 'A7',
  promise:
    'a real Capstan in a container of 1 GiB (where one can be made), and charts that render a gigabyte: the reason is RenderLimitExceeded, its own memory never over 300 MB, no crash, nothing killed by the kernel, and a release beside them is installed',
  trials: scaled(10),
  run: (trial) => muchOutput(trial),
  alone: true,
}

const mebibyte = 1024 * 1024
/** As the chart gives it. */
const containerBytes = 1024 * mebibyte
const values = 'color: red\n'
const good =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}"}\ndata: {color: {{ .Values.color }}}\n'

/** A gigabyte each: as one text, as many lines, and in one object after the other. */
const bombs: readonly ((mebibytes: number) => string)[] = [
  (size) => `# {{ repeat ${size * mebibyte} "x" }}\n`,
  (size) => `{{ range until ${size} }}\n# {{ repeat ${mebibyte} "x" }}\n{{ end }}`,
  (size) =>
    `{{ range until ${size} }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: "a-{{ . }}"}\ndata: {a: {{ repeat ${mebibyte} "x" }}}\n{{ end }}`,
]

type Item = {
  metadata: { name: string }
  status?: { conditions?: { type: string; status: string; message: string }[] }
}

/** All three at once, and one that is as it should be. */
export async function muchOutput({ world, random }: Trial, withinMs = 240_000): Promise<TrialResult> {
  const ground = await openReleaseStage(world, ['--charts-sync-interval=1h'])
  const charts = [...bombs.map((bomb) => bomb(random.between(950, 1100))), good]
  for (const [n, template] of charts.entries()) await publish(ground, join(world.directory, `chart-${n}`), n, template)
  const group = openMemoryGroup(`capstan-${ground.stage.id}`, containerBytes)
  if (group) world.atEnd(async () => await until('the container is empty', async () => (group.close(), true)))
  world.atEnd(() => ground.capstan.kill())
  ground.capstan.start()
  group?.add(ground.capstan.pid())
  await ground.capstan.ready(180_000)
  for (const n of charts.keys()) {
    const chart = { repository: ground.charts.url, name: 'demo', version: `1.0.${n}` }
    await ground.put(`release-${n}`, { releaseName: `release-${n}`, chart })
  }
  const judged = await ground.judged(charts.length, withinMs)
  const said = await releasedOf(ground)
  const wrong = bombs.flatMap((_, n) => (said.get(`release-${n}`)?.includes('RenderLimitExceeded') ? [] : [n]))
  return judge(
    {
      notJudged: [charts.length - judged, 0],
      otherReasons: [wrong.length, 0],
      notInstalled: [said.get(`release-${bombs.length}`) === 'True' ? 0 : 1, 0],
      megabytes: [peakMegabytes(ground.capstan.pid()), 300],
      crashes: [ground.capstan.crashes(), 0],
      ...(group ? { kernelKills: [group.kernelKills(), 0] } : {}),
    },
    JSON.stringify([...said]).slice(0, 2_000),
  )
}

async function publish({ charts }: ReleaseStage, folder: string, n: number, template: string): Promise<void> {
  const files = {
    'Chart.yaml': `apiVersion: v2\nname: demo\nversion: 1.0.${n}\n`,
    'values.yaml': values,
    'templates/all.yaml': template,
  }
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, 'demo', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  await charts.publish(join(folder, 'demo'))
}

/** Of each HelmRelease: `True`, or why it is not released. */
async function releasedOf({ stage, namespace }: ReleaseStage): Promise<Map<string, string>> {
  const { body } = await stage.cluster.call('GET', `/apis/helm.fluxcd.io/v1/namespaces/${namespace}/helmreleases`)
  const items = (body as { items?: Item[] }).items ?? []
  return new Map(
    items.map(({ metadata, status }) => {
      const released = status?.conditions?.find(({ type }) => type === 'Released')
      return [metadata.name, released?.status === 'True' ? 'True' : (released?.message ?? '')]
    }),
  )
}

/** The most that a process has ever held. */
function peakMegabytes(pid: number): number {
  const [, kilobytes = 0] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kilobytes) / 1024)
}
