import type { Action } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { imageTable, shortened } from '../fluxctl/list-images.ts'
import { type ListOptions, showListing } from '../print/listing.ts'
import { workloadId } from './workload-id.ts'

export type ListImagesOptions = ListOptions & {
  /** Undefined: all. */
  namespace: string | undefined
  /** One workload; undefined: all. */
  workload: string | undefined
  /** Tags of each container; 0 is all. */
  limit: number
  headers: boolean
}

/** `capstan list-images`: fluxctl's table of what runs and which tags there are; `capstan images` says why. */
export const listImages: Action<ListImagesOptions> = async (context, options) => {
  const { namespace, workload, limit, headers, ...list } = options
  const wanted =
    workload === undefined
      ? { service: '<all>', namespace: namespace ?? '' }
      : { service: workloadId(workload, namespace), namespace: '' }
  return await showListing(context, list, async () => {
    const found = await context.flux().images(wanted)
    const images = found.toSorted((one, other) => (one.ID < other.ID ? -1 : 1))
    return {
      data: limit === 0 ? images : images.map((one) => shortened(one, limit)),
      names: images.map(({ ID }) => ID),
      // all there is to tell about an image is in its table
      table: (wide) => imageTable(images, { limit: wide ? 0 : limit, noHeaders: !headers }),
      code: exitCodes.done,
    }
  })
}
