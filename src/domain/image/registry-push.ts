import { decodeBase64 } from './credentials.ts'
import { type PushedImage, pushedImages } from './notification.ts'
import { parseRef, repositoryOf, splitRepository } from './ref.ts'

type Fields = Record<string, unknown>
/** Undefined: not of this registry. */
type Reader = (payload: Fields) => PushedImage[] | undefined

/** Each knows its own by the fields that no other has. */
const readers: readonly Reader[] = [
  readDistribution,
  readDockerHub,
  readQuay,
  readHarbor,
  readGithub,
  readGooglePubSub,
  readEcrEvent,
  readAzure,
]

/**
 * The repositories that a webhook of a registry says were pushed to, each once: distribution's notifications, Docker Hub, GHCR (events
 * of packages), Harbor, Quay, and the events of ACR, ECR (EventBridge) and Google (Pub/Sub). Empty for an event of another kind, such as
 * a ping; undefined for what none of them sends. What it names comes from outside: it is only ever a name to look up.
 */
export function readRegistryPush(body: Uint8Array): PushedImage[] | undefined {
  const payload = parse(new TextDecoder().decode(body))
  if (!payload) return undefined
  for (const read of readers) {
    const found = read(payload)
    if (found) return distinct(found)
  }
  return undefined
}

/** `registry`, or `push` of a tag: the last that is named counts. */
function distinct(images: readonly PushedImage[]): PushedImage[] {
  return [...new Map(images.map((image) => [image.name, image])).values()].slice(0, 100)
}

function readDistribution({ events }: Fields): PushedImage[] | undefined {
  if (!Array.isArray(events)) return undefined
  return pushedImages({ events: events.filter(isFields).map(eventOf) })
}

/** ACR sends one of distribution's events alone. */
function readAzure(payload: Fields): PushedImage[] | undefined {
  const { action, id } = payload
  if (typeof action !== 'string' || typeof id !== 'string') return undefined
  return pushedImages({ events: [eventOf(payload)] })
}

function eventOf({ action, target, request }: Fields) {
  const [what, asked] = [fields(target), fields(request)]
  return {
    action: text(action),
    target: { repository: text(what.repository), tag: text(what.tag), url: text(what.url) },
    request: { host: text(asked.host) },
  }
}

function readDockerHub({ push_data: pushed, repository }: Fields): PushedImage[] | undefined {
  if (!isFields(pushed) || !isFields(repository)) return undefined
  const name = text(repository.repo_name)
  return imagesOf([name === '' ? '' : `docker.io/${name}:${text(pushed.tag)}`])
}

function readQuay({ docker_url: url, updated_tags: tags }: Fields): PushedImage[] | undefined {
  if (typeof url !== 'string' || typeof tags !== 'object' || tags === null) return undefined
  const names = Array.isArray(tags) ? tags : Object.keys(tags)
  return imagesOf([`${url}:${text(names.at(-1))}`])
}

/** In its own form or as a CloudEvent. */
function readHarbor({ type, event_data: own, data }: Fields): PushedImage[] | undefined {
  const event = isFields(own) ? own : data
  if (typeof type !== 'string' || !isFields(event)) return undefined
  if (type !== 'PUSH_ARTIFACT' && type !== 'harbor.artifact.pushed') return []
  const resources = Array.isArray(event.resources) ? event.resources.filter(isFields) : []
  return imagesOf(resources.map(({ resource_url: url }) => text(url)))
}

/** The events `package` and `registry_package`, and the ping before them. */
function readGithub(payload: Fields): PushedImage[] | undefined {
  if (typeof payload.zen === 'string') return []
  const found = payload.registry_package ?? payload.package
  if (!isFields(found)) return undefined
  const { name, package_type: type, owner, package_version: version } = found
  if (text(type).toLowerCase() !== 'container') return []
  const { package_url: url, container_metadata: metadata } = fields(version)
  const tag = text(fields(fields(metadata).tag).name)
  const owned = `ghcr.io/${text(fields(owner).login)}/${text(name)}`.toLowerCase()
  return imagesOf([typeof url === 'string' && url !== '' ? url : `${owned}:${tag}`])
}

function readGooglePubSub({ message, subscription }: Fields): PushedImage[] | undefined {
  if (!isFields(message) || typeof subscription !== 'string') return undefined
  const { action, tag, digest } = parse(decodeBase64(text(message.data))) ?? {}
  if (action !== 'INSERT') return []
  return imagesOf([text(tag) || text(digest)])
}

function readEcrEvent(payload: Fields): PushedImage[] | undefined {
  if (payload['detail-type'] !== 'ECR Image Action') return undefined
  const { account, region, detail } = payload
  const { 'action-type': action, result, 'repository-name': name, 'image-tag': tag } = fields(detail)
  if (action !== 'PUSH' || result !== 'SUCCESS') return []
  const domain = text(region).startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return imagesOf([`${text(account)}.dkr.ecr.${text(region)}.${domain}/${text(name)}:${text(tag)}`])
}

/** Those that are whole references with a host; an empty tag is none. */
function imagesOf(texts: readonly string[]): PushedImage[] {
  return texts.flatMap((given) => {
    const ref = parseRef(given.replace(/:$/, ''))
    const name = ref && repositoryOf(ref)
    return ref && name && ref.domain !== '' && splitRepository(name) ? [{ name, tag: ref.tag ?? '' }] : []
  })
}

function parse(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function fields(value: unknown): Fields {
  return isFields(value) ? value : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
