import { problemOfChange } from '../../domain/image/policy-change.ts'
import { parseRef } from '../../domain/image/ref.ts'
import { targetOf } from '../../domain/image/release.ts'
import {
  allWorkloads,
  type ContainersSpec,
  type ContainerUpdate,
  type ImageSpec,
  type PolicyChange,
  type UpdateCause,
  type UpdateSpec,
} from '../../domain/work/update-spec.ts'
import { badRequest, userError } from './errors.ts'
import { readId } from './workloads.ts'

/** What may be asked for: a change in git, or that git is looked at and applied now. */
export type Wanted = UpdateSpec | { type: 'sync'; cause: UpdateCause }

type Fields = Readonly<Record<string, unknown>>

const mostMessage = 4000
const mostUser = 200
const mostValue = 2000
// whoever is named stands in one line of a commit
const control = /\p{Cc}+/gu

/** Reads an update spec as fluxctl sends it (flux-v1 §16). Fields that nobody knows are left alone; refuses what cannot be done. */
export function readUpdate(body: unknown): Wanted {
  const { type, cause: given, spec } = fieldsOf(body, 'the update spec')
  if (typeof type !== 'string' || type === '') throw badRequest('no type in update spec')
  const cause = readCause(fieldsOf(given ?? {}, 'the cause'))
  switch (type) {
    case 'sync':
      return { type, cause }
    case 'image':
      return { type, cause, spec: readImageSpec(fieldsOf(spec, 'the spec')) }
    case 'containers':
      return { type, cause, spec: readContainersSpec(fieldsOf(spec, 'the spec')) }
    case 'policy':
      return { type, cause, spec: readPolicies(spec) }
    case 'auto':
      throw userError('unknown update type "auto"', 'Automated releases are made by Capstan alone.')
    default:
      throw badRequest(`unknown spec type: ${type}`)
  }
}

/** Who asks, as claimed, and why; empty texts for what is left out. */
export function readCause({ Message, User }: Fields): UpdateCause {
  const [message, user] = [textOf(Message, 'Message'), textOf(User, 'User')]
  return { Message: message.slice(0, mostMessage), User: user.replace(control, ' ').trim().slice(0, mostUser) }
}

/** Reads the release of one image, or of the newest of all. */
export function readImageSpec({ ServiceSpecs, ImageSpec: image, Kind, Excludes, Force }: Fields): ImageSpec {
  const spec: ImageSpec = {
    ServiceSpecs: textsOf(ServiceSpecs, 'ServiceSpecs').map((one) => (one === allWorkloads ? one : readIdText(one))),
    ImageSpec: textOf(image, 'ImageSpec'),
    Kind: readKind(Kind),
    Excludes: textsOf(Excludes, 'Excludes').map(readIdText),
    Force: Force === true,
  }
  if (spec.ServiceSpecs.length === 0) throw userError('no workloads are named', `Name some, or ${allWorkloads}.`)
  const read = targetOf(spec)
  if ('problem' in read) throw userError(`${read.problem}: invalid image ID`)
  return spec
}

/** Reads changes of policies by workload; each is a map, or as older clients send it a list of names (flux-v1 §19). */
export function readPolicies(value: unknown): Record<string, PolicyChange> {
  const rows = Object.entries(fieldsOf(value, 'the policies')).map(([id, given]) => {
    const { add, remove } = fieldsOf(given ?? {}, id)
    const change = { add: readSet(add, 'add'), remove: readSet(remove, 'remove') }
    const problem = problemOfChange(change)
    if (problem !== undefined) throw userError(problem)
    return [readIdText(id), change] as const
  })
  if (rows.length === 0) throw userError('no workloads are named')
  return Object.fromEntries(rows)
}

function readContainersSpec({ Kind, ContainerSpecs, SkipMismatches, Force }: Fields): ContainersSpec {
  const rows = Object.entries(fieldsOf(ContainerSpecs ?? {}, 'ContainerSpecs')).map(
    ([id, list]) => [readIdText(id), listOf(list, id).map(readContainer)] as const,
  )
  if (rows.length === 0) throw userError('no changes found', 'No container is named.')
  return {
    Kind: readKind(Kind),
    ContainerSpecs: Object.fromEntries(rows),
    SkipMismatches: SkipMismatches === true,
    Force: Force === true,
  }
}

function readContainer(value: unknown): ContainerUpdate {
  const { Container, Current, Target } = fieldsOf(value, 'a container')
  const update = { Container: textOf(Container, 'Container'), Target: readImage(Target) }
  return Current === undefined || Current === null ? update : { ...update, Current: readImage(Current) }
}

function readImage(value: unknown): string {
  const text = textOf(value, 'an image')
  if (!parseRef(text)) throw badRequest(`'${text}' is no image: invalid image ID`)
  return text
}

function readKind(value: unknown): 'plan' | 'execute' {
  if (value !== 'plan' && value !== 'execute') throw badRequest('invalid release kind')
  return value
}

function readIdText(text: string): string {
  const { namespace, kind, name } = readId(text)
  return `${namespace}:${kind}/${name}`
}

function readSet(value: unknown, what: string): Record<string, string> {
  if (Array.isArray(value)) return Object.fromEntries(textsOf(value, what).map((name) => [name, 'true']))
  const rows = Object.entries(fieldsOf(value ?? {}, what)).map(([name, text]) => [name, textOf(text, name)] as const)
  const long = rows.find(([, text]) => text.length > mostValue)
  if (long) throw userError(`the value of '${long[0]}' is longer than ${mostValue} characters`)
  return Object.fromEntries(rows)
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest(`${what} is no object`)
  return value as Fields
}

/** As in Go, null is as good as nothing. */
function listOf(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw badRequest(`${what} is no list`)
  return value
}

function textsOf(value: unknown, what: string): string[] {
  return listOf(value, what).map((one) => textOf(one, what))
}

function textOf(value: unknown, what: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw badRequest(`${what} is no text`)
  return value
}
