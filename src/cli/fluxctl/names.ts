import { Failure } from './failure.ts'

/** The full ID of a workload (flux-v1 §1); `kind/name` is in the namespace that is given. Throws a {@link Failure}. */
export function parseId(namespace: string, text: string): string {
  const [, space, kind = '', name] =
    /^(?:(<cluster>|[a-zA-Z0-9_-]+):)?([a-zA-Z0-9_-]+)\/([a-zA-Z0-9_.:-]+)$/.exec(text) ?? []
  if (name === undefined) throw new Failure(`parsing ${text}: invalid service ID`)
  return `${space ?? namespace}:${kind.toLowerCase()}/${name}`
}

/** An image reference in its parts (flux-v1 §1). */
export type ImageRef = { domain: string; image: string; tag: string; sha: string }

/** Throws a {@link Failure} for what is no image reference. */
export function parseImage(text: string): ImageRef {
  if (text === '') throw new Failure('parsing "": blank image name: invalid image ID')
  if (text.startsWith('/') || text.endsWith('/')) throw malformed(text)
  const { domain, rest } = splitDomain(text)
  const [named, sha] = splitOnce(rest, '@sha256:')
  if (sha === '' || named === '') throw malformed(text)
  const [image = '', tag, ...more] = named.split(':')
  if (more.length > 0) throw new Failure(`${expected}: invalid image ID`)
  if (image === '' || tag === '') throw malformed(text)
  return { domain, image, tag: tag ?? '', sha: sha ?? '' }
}

const expected = 'expected image name as either <image>:<tag> or just <image>'

function malformed(text: string): Failure {
  return new Failure(`parsing ${JSON.stringify(text)}: ${expected}: invalid image ID`)
}

/** An image without its tag, as fluxctl prints it. */
export function repositoryOf({ domain, image }: ImageRef): string {
  return domain === '' ? image : `${domain}/${image}`
}

/** Of one part none is a domain, of two the first may be one, of more it is. That a port makes one is ours (flux-v1 §1). */
function splitDomain(text: string): { domain: string; rest: string } {
  const [first = '', ...others] = text.split('/')
  const isDomain = others.length > 1 || (others.length === 1 && /localhost|[a-zA-Z0-9]\.[a-zA-Z0-9]|:\d+$/.test(first))
  return isDomain ? { domain: first, rest: others.join('/') } : { domain: '', rest: text }
}

/** The second is undefined without the mark. */
function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)]
}
