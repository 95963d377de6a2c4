import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'
import { startOwnCluster } from '../own-cluster.ts'

export const c12: Hazard = {
  id: 'C12',
  promise:
    'etcd is restored from a backup, so that versions go backwards: no object of git deleted, the cluster equal to git again ≤ 90 s',
  trials: scaled(10),
  alone: true,
  run: (trial) => backInTime(trial, 60),
}

/**
 * After the backup git changes every object, brings some and takes some away. In odd trials Capstan dies meanwhile and knows nothing
 * but what the restored cluster says.
 */
export async function backInTime({ world, random, index }: Trial, count: number): Promise<TrialResult> {
  const own = await startOwnCluster(world.stack, world.directory)
  world.atEnd(() => own.stop())
  const stage = await world.stage({ kubeconfig: own.kubeconfig })
  const { capstan, api } = stage
  const before = stage.objects(count, 'one')
  capstan.start()
  await stage.equals(await stage.push(before), before)
  await own.backup()

  const gone = random.between(1, count / 4)
  const after = stage.objects(count + random.between(1, count / 4), 'two').slice(gone)
  const commit = await stage.push(after)
  await stage.equals(commit, after)

  api.cable.refuse(true)
  api.cable.cut()
  const isDead = index % 2 === 1
  if (isDead) await capstan.kill()
  await own.restore()
  const restored = await stage.differences(after)
  api.cable.refuse(false)
  if (isDead) capstan.start()
  const back = performance.now()
  await stage.equals(commit, after, 150_000)
  return judge({
    seconds: [secondsSince(back), 90],
    wrongDeletes: [stage.deletesOf(after), 0],
    notRewound: [restored.different.length + restored.missing.length >= count / 2 ? 0 : 1, 0],
    crashes: [capstan.endsWithout('FenceLost'), 0],
  })
}
