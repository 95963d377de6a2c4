import { type Hazard, judge, scaled, secondsSince, type Trial } from '../hazard.ts'
import { makeObjects } from '../objects.ts'
import { recreated, type Stage } from '../world.ts'

/** Objects of the repository; the table of hazards wants 500. */
export const manyObjects = 500

/**
 * kill -9 at a counted write of the first sync, or (odd trials) of one that changes a third, adds and removes objects.
 * A dead process' Lease counts for 15 s, which the 60 s contain.
 */
export const a2: Hazard = {
  id: 'A2',
  promise:
    'kill -9 at any write of a sync of 500 objects: live == git ≤ 60 s after the restart, nothing deleted wrongly, nothing left over',
  trials: scaled(200),
  run: (trial) => (trial.index % 2 === 0 ? killFirstSync(trial, manyObjects) : killChange(trial, manyObjects)),
}

/** The same with as many objects as a caller has time for. */
export async function killFirstSync({ world, random }: Trial, count: number) {
  const stage = await world.stage()
  const objects = stage.objects(count, 'one')
  const commit = await stage.push(objects)
  stage.capstan.start()
  await killAtWrite(stage, random.between(1, count))
  const begun = performance.now()
  stage.capstan.start()
  await stage.equals(commit, objects, 120_000)
  return judge({ seconds: [secondsSince(begun), 60], wrongDeletes: [stage.deletesOf(objects), 0], orphans: [0, 0] })
}

/** Half of the objects stay, a tenth leaves, a tenth is new, the rest changes: 0.6 writes an object at least. */
export async function killChange({ world, random }: Trial, count: number) {
  const stage = await world.stage()
  const before = stage.objects(count, 'one')
  stage.capstan.start()
  await stage.equals(await stage.push(before), before, 180_000)
  const gone = Math.floor(count / 10)
  const after = [
    ...before.slice(0, Math.floor(count / 2)),
    ...stage.objects(count - gone, 'two').slice(Math.floor(count / 2)),
    ...makeObjects(stage.id, stage.spaces, gone, 'new').map((object) => ({
      ...object,
      metadata: { ...object.metadata, name: `new-${object.metadata.name}` },
    })),
  ]
  const uids = await uidsOf(stage)
  const killed = killAtWrite(stage, random.between(1, Math.floor(count * 0.59)))
  const commit = await stage.push(after)
  await killed
  const begun = performance.now()
  stage.capstan.start()
  await stage.equals(commit, after, 120_000)
  const seconds = secondsSince(begun)
  const deleted = recreated(uids, await uidsOf(stage)).length
  return judge({
    seconds: [seconds, 60],
    wrongDeletes: [stage.deletesOf(after) + deleted, 0],
    orphans: [0, 0],
  })
}

async function uidsOf(stage: Stage): Promise<Map<string, string>> {
  const live = await stage.cluster.live(stage.id)
  return new Map([...live].map(([key, { metadata }]) => [key, metadata.uid]))
}

/** The write has reached the API server, its answer does not reach the process any more. */
export async function killAtWrite(stage: Stage, count: number): Promise<void> {
  await new Promise<void>((resolve) => stage.api.gate.atWrite(count, resolve))
  await stage.capstan.kill('SIGKILL')
}
