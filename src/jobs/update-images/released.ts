import { allLatest, type UpdateSpec } from '../../domain/work/update-spec.ts'

/** One release of images as fluxd measured it (flux-v1 §25). */
export type Released = {
  type: 'automated' | 'specific_image' | 'latest_images' | 'containers'
  kind: 'execute' | 'plan'
  success: boolean
  seconds: number
}

type Deps = { now: () => Date; released?: (released: Released) => void }

/** Measures a release that somebody asked for; a change of policies is none. */
export async function measureRelease<T>(update: UpdateSpec, deps: Deps, work: () => Promise<T>): Promise<T> {
  if (update.type === 'policy') return await work()
  const kind = update.spec.Kind === 'plan' ? 'plan' : 'execute'
  return await measure({ type: typeOf(update), kind }, deps, work)
}

/** Measures an automated release; `isRelease` says whether there was anything to release. */
export async function measureAutomated<T>(
  deps: Deps,
  isRelease: (done: T) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  return await measure({ type: 'automated', kind: 'execute' }, deps, work, isRelease)
}

async function measure<T>(
  what: Pick<Released, 'type' | 'kind'>,
  { now, released }: Deps,
  work: () => Promise<T>,
  isRelease: (done: T) => boolean = () => true,
): Promise<T> {
  const began = now().getTime()
  const tell = (success: boolean): void => released?.({ ...what, success, seconds: (now().getTime() - began) / 1000 })
  try {
    const done = await work()
    if (isRelease(done)) tell(true)
    return done
  } catch (error) {
    tell(false)
    throw error
  }
}

function typeOf(update: Exclude<UpdateSpec, { type: 'policy' }>): Released['type'] {
  if (update.type === 'containers') return 'containers'
  return update.spec.ImageSpec === allLatest ? 'latest_images' : 'specific_image'
}
