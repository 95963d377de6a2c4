import { clean } from '../print/clean.ts'
import type { Container, Image, WorkloadImages } from './api.ts'
import type { Verb, VerbContext } from './context.ts'
import { Failure } from './failure.ts'
import { checkList } from './list-workloads.ts'
import { parseId, parseImage, repositoryOf } from './names.ts'
import { imagesJson } from './print-json.ts'
import { tabulate } from './tabwriter.ts'

/** `fluxctl list-images`. */
export const listImages: Verb = async (context) => {
  const { flags, words, api, out } = context
  checkList(flags.text('output-format'), words)
  const found = await api.images(await wantedOf(context))
  const images = found.toSorted((one, other) => (one.ID < other.ID ? -1 : 1))
  const limit = flags.number('limit')
  if (flags.text('output-format') === 'json') {
    if (limit < 0) throw new Failure('opts.limit cannot be less than 0')
    out.write(imagesJson(limit === 0 ? images : images.map((one) => shortened(one, limit))))
    return
  }
  out.write(imageTable(images, { limit, noHeaders: flags.on('no-headers') }))
}

/** The table of both `fluxctl list-images` and `capstan list-images`; 0 shows all tags. */
export function imageTable(
  images: readonly WorkloadImages[],
  { limit, noHeaders }: { limit: number; noHeaders: boolean },
): string {
  const heads = noHeaders ? [] : ['WORKLOAD\tCONTAINER\tIMAGE\tCREATED']
  return tabulate([...heads, ...images.flatMap((one) => rowsOf(one, limit))])
}

async function wantedOf({ flags, namespace }: VerbContext): Promise<{ service: string; namespace: string }> {
  const [workload, controller] = [flags.text('workload'), flags.text('controller')]
  if (workload !== '' && controller !== '') throw new Failure("can't specify both the controller and image")
  const space = await namespace()
  const named = workload || controller
  return named === '' ? { service: '<all>', namespace: space } : { service: parseId(space, named), namespace: '' }
}

/** With so many tags at most. */
export function shortened({ ID, Containers }: WorkloadImages, limit: number): WorkloadImages {
  const cut = (container: Container): Container =>
    container.Available ? { ...container, Available: container.Available.slice(0, limit) } : container
  return { ID, Containers: Containers?.map(cut) ?? null }
}

function rowsOf({ ID, Containers }: WorkloadImages, limit: number): string[] {
  const containers = Containers ?? []
  if (containers.length === 0) return [`${clean(ID)}\t\t\t`]
  return containers.flatMap((container, at) => containerRows(at === 0 ? clean(ID) : '', container, limit))
}

function containerRows(id: string, container: Container, limit: number): string[] {
  const { Name = '', Current, AvailableError } = container
  const available = container.Available ?? []
  const image = parseImage(Current?.ID || 'unknown')
  const problem = available.length > 0 ? '' : clean(AvailableError || 'image data not available')
  const head = `${id}\t${clean(Name)}\t${clean(Current?.ID ? repositoryOf(image) : '')}\t${problem}`
  const at = available.findIndex(({ ID }) => tagOf(ID) === image.tag)
  const rows = available.flatMap((one, index) => {
    const mark = tagOf(one.ID) === image.tag ? "'->" : at >= 0 && index > at ? '   ' : '|  '
    const isShown = limit <= 0 || index < limit
    if (!isShown && one.ID !== Current?.ID) return []
    const omitted = index - limit
    const gap = !isShown && omitted > 0 ? [`\t\t: (${omitted} image(s) omitted)\t`] : []
    return [...gap, `\t\t${mark} ${clean(tagOf(one.ID))}\t${timeOf(one)}`]
  })
  const none = at < 0 ? [`\t\t'-> ${clean(image.tag || '(untagged)')}\t?`] : []
  return [head, ...rows, ...none]
}

function tagOf(id: string | undefined): string {
  return id ? parseImage(id).tag : ''
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** As `20 Mar 20 13:53 UTC`. */
function timeOf({ CreatedAt }: Image): string {
  const [, year, month, day, clock] = /^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(CreatedAt ?? '') ?? []
  return clock === undefined ? '' : `${day} ${months[Number(month) - 1]} ${year} ${clock} UTC`
}
