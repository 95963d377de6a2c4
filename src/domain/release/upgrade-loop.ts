/** Revisions that were made one after another for the same inputs. */
export type Upgrades = {
  inputs: string
  /** Of the HelmRelease; a new one counts from the beginning. */
  generation: number
  count: number
  /** RFC 3339: of the last one. */
  at: string
}

/** Upgrades that lie further apart are no loop: somebody uses helm by hand now and then. */
const apartMs = 24 * 3_600_000

type Next = { inputs: string; generation: number; now: number }

/** The count after one more upgrade. `now`: milliseconds since 1970. */
export function countUpgrade(before: Upgrades | undefined, { inputs, generation, now }: Next): Upgrades {
  const count = goesOn(before, { inputs, generation, now }) ? before.count : 0
  return { inputs, generation, count: count + 1, at: new Date(now).toISOString() }
}

/**
 * True when one more upgrade would be one too many: `limit` were made for these inputs and this generation, none later than a day
 * after the one before (helm-operator complaint 3). A limit of 0 never stops.
 */
export function isLoop(before: Upgrades | undefined, next: Next, limit: number): boolean {
  return limit > 0 && goesOn(before, next) && before.count >= limit
}

function goesOn(before: Upgrades | undefined, { inputs, generation, now }: Next): before is Upgrades {
  return before?.inputs === inputs && before.generation === generation && now - Date.parse(before.at) < apartMs
}
