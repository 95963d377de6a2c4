/** An image as a manifest names it. Prints as it was written; {@link repositoryOf} gives the name that everybody agrees on. */
export type ImageRef = {
  /** Host of the registry, with a port perhaps; empty where the name has none. */
  domain: string
  /** At least one element. */
  path: string
  tag?: string
  /** `algorithm:hex`. */
  digest?: string
}

const hubDomain = 'index.docker.io'
/** A first element of two is a host when it says so: dots, a port or localhost (flux-v1 §1; the port is ours). */
const looksLikeHost = /localhost|[a-zA-Z0-9]\.[a-zA-Z0-9]|:\d+$/
const looksLikeAncestralHost = /localhost|[a-zA-Z0-9]\.[a-zA-Z0-9]/
const hostPattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d{1,5})?$/
const elementPattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?$/
const tagPattern = /^\w[\w.-]{0,127}$/
const digestPattern = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,128}$/
/** What a job can name (law 2). */
const longestName = 253

/** Whether a text may be a tag: what a registry says is not trusted. */
export function isTag(text: string): boolean {
  return tagPattern.test(text)
}

/** Reads an image reference by the grammar of flux-v1 §1; undefined for what is none. */
export function parseRef(text: string): ImageRef | undefined {
  const [named = '', digest, ...more] = text.split('@')
  if (more.length > 0 || (digest !== undefined && !digestPattern.test(digest))) return undefined
  const { domain, rest } = splitDomain(named)
  const [path = '', tag, ...others] = rest.split(':')
  if (others.length > 0 || (tag !== undefined && !isTag(tag)) || !isName(domain, path)) return undefined
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}

/** One element has no host, three have one, two have one where the first looks like it. */
function splitDomain(named: string, isHost = looksLikeHost): { domain: string; rest: string } {
  const elements = named.split('/')
  const first = elements[0] ?? ''
  const hasDomain = elements.length > 2 || (elements.length === 2 && isHost.test(first))
  return hasDomain ? { domain: first, rest: elements.slice(1).join('/') } : { domain: '', rest: named }
}

function isName(domain: string, path: string): boolean {
  if (domain !== '' && !hostPattern.test(domain)) return false
  const isShort = repositoryOf({ domain, path }).length <= longestName
  return isShort && path.split('/').every((element) => elementPattern.test(element))
}

/** Whether the ancestors' programs can read what we can: `registry:5000/app:1.0` has one `:` too many for them (flux-v1 §1). */
export function isAncestral(text: string): boolean {
  const [named = ''] = splitDomain(text, looksLikeAncestralHost).rest.split('@sha256:')
  return named.split(':').length <= 2
}

/** The form it was written in. The ancestor lost the tag where a digest stood, too (flux-v1 §1). */
export function printRef({ domain, path, tag, digest }: ImageRef): string {
  return `${domain ? `${domain}/` : ''}${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/**
 * The canonical name without tag: Docker Hub is `index.docker.io`, its single names are below `library/` (flux-v1 §1). Jobs, caches,
 * include and exclude patterns and credentials go by it.
 */
export function repositoryOf({ domain, path }: ImageRef): string {
  const host = domain === '' || domain === 'docker.io' ? hubDomain : domain
  return `${host}/${host === hubDomain && !path.includes('/') ? `library/${path}` : path}`
}

/** A canonical name as people write it: without Docker Hub's host and its `library/`. */
export function familiarName(repository: string): string {
  return repository.replace(/^index\.docker\.io\/(library\/)?/, '')
}

/** Host and path of a canonical name; undefined for what is none. */
export function splitRepository(repository: string): { host: string; path: string } | undefined {
  const slash = repository.indexOf('/')
  const host = repository.slice(0, slash)
  const path = repository.slice(slash + 1)
  if (slash < 0 || !hostPattern.test(host) || repository.length > longestName) return undefined
  return path.split('/').every((element) => elementPattern.test(element)) ? { host, path } : undefined
}

/** Whether it is already the image: name as written, tag and digest (flux-v1 §1). */
export function isSameRef(a: ImageRef, b: ImageRef): boolean {
  return printRef(a) === printRef(b)
}

/** The same image in the same form with another tag. A digest stays: it is for the caller to see that it no longer fits. */
export function withTag(ref: ImageRef, tag: string): ImageRef {
  return { ...ref, tag }
}

/** Whether a registry may be reached by plain HTTP: its host is in the list, with its port or without (flux-v1 §14). */
export function isInsecureHost(host: string, insecureHosts: readonly string[]): boolean {
  return insecureHosts.includes(host) || insecureHosts.includes(host.replace(/:\d+$/, ''))
}
