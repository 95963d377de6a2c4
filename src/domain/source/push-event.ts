import { splitGitUrl } from './git-url-parts.ts'
import {
  type Pushed,
  readBitbucketPush,
  readBitbucketServerPush,
  readGenericPush,
  readGithubPush,
  readGitlabPush,
  readGitlabSystemPush,
} from './push-payload.ts'
import type { SourceSpec } from './spec.ts'

/** Headers of a webhook by lower-case name. */
export type HookHeaders = Readonly<Record<string, string | string[] | undefined>>

/** What a webhook says: something was pushed, nothing that matters here, or a body that is not what the headers promise. */
export type PushEvent = { kind: 'push'; pushed: Pushed } | { kind: 'nothing' } | { kind: 'unreadable' }

type Reader = (payload: unknown) => Pushed | undefined

/**
 * Which forge sent it, by the header that names the event, and how each event that matters is read. Gitea and Forgejo send the
 * headers of GitHub too and come first.
 */
const forges: readonly [header: string, events: Readonly<Record<string, Reader>>][] = [
  ['x-forgejo-event', { push: readGithubPush, create: readGithubPush, delete: readGithubPush }],
  ['x-gitea-event', { push: readGithubPush, create: readGithubPush, delete: readGithubPush }],
  ['x-github-event', { push: readGithubPush, create: readGithubPush, delete: readGithubPush }],
  [
    'x-gitlab-event',
    { 'Push Hook': readGitlabPush, 'Tag Push Hook': readGitlabPush, 'System Hook': readGitlabSystemPush },
  ],
  ['x-event-key', { 'repo:push': readBitbucketPush, 'repo:refs_changed': readBitbucketServerPush }],
]

/** Headers that name a delivery, the same when the forge sends it again. GitLab's event UUID is shared by hooks that call hooks. */
const deliveryHeaders = [
  'x-capstan-delivery',
  'x-github-delivery',
  'x-forgejo-delivery',
  'x-gitea-delivery',
  'webhook-id',
  'idempotency-key',
  'x-gitlab-event-uuid',
  'x-request-uuid',
]

/** True when the headers say which forge sent it and what happened; without them anybody may have. */
export function isFromForge(headers: HookHeaders): boolean {
  return forges.some(([header]) => headers[header] !== undefined)
}

/** Reads a webhook whose signature holds. The body is only read, never run, fetched or kept. */
export function readPushEvent(headers: HookHeaders, body: Uint8Array): PushEvent {
  const forge = forges.find(([header]) => headers[header] !== undefined)
  const event = forge && headers[forge[0]]
  const reader = forge
    ? Object.hasOwn(forge[1], String(event))
      ? forge[1][String(event)]
      : undefined
    : readGenericPush
  if (!reader) return { kind: 'nothing' }
  const payload = readPayload(headers, body)
  if (payload === undefined) return { kind: 'unreadable' }
  const pushed = reader(payload)
  if (!pushed) return { kind: 'nothing' }
  if (pushed.urls.length === 0 && pushed.path === '') return { kind: 'unreadable' }
  return { kind: 'push', pushed }
}

/** The id of a delivery, if the sender gave one. */
export function deliveryOf(headers: HookHeaders): string | undefined {
  for (const header of deliveryHeaders) {
    const id = headers[header]
    if (typeof id === 'string' && id !== '') return id
  }
  // proxies give everybody one of these; with Bitbucket's event it is Bitbucket's
  const { 'x-request-id': request } = headers
  return headers['x-event-key'] !== undefined && typeof request === 'string' ? request : undefined
}

/**
 * Whether the repository is the one that a source follows: host and path compared, without scheme, leading slash and `.git`
 * (flux-v1 §7), and without case, as forges do.
 */
export function isSameRepository({ urls, path }: Pick<Pushed, 'urls' | 'path'>, url: string): boolean {
  const own = addressOf(url)
  if (own === undefined) return false
  if (urls.length > 0) return urls.some((one) => addressOf(one) === own)
  return path !== '' && own.endsWith(`/${path.toLowerCase()}`)
}

/** Whether what a source follows may have moved. */
export function followsPushed(
  { refs }: Pick<Pushed, 'refs'>,
  { ref, branch }: Pick<SourceSpec, 'ref' | 'branch'>,
): boolean {
  if (refs === 'any' || ref.kind === 'commit') return true
  return refs.some(({ kind, name }) => {
    if (ref.kind === 'semver') return kind === 'tag'
    return kind === ref.kind && name === (ref.kind === 'branch' ? branch || ref.value : ref.value)
  })
}

/** JSON, or a form with JSON in its field `payload`; undefined when it is neither. */
function readPayload(headers: HookHeaders, body: Uint8Array): unknown {
  const text = new TextDecoder().decode(body)
  const isForm = String(headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')
  try {
    const payload: unknown = JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text)
    return payload !== null && typeof payload === 'object' ? payload : undefined
  } catch {
    return undefined
  }
}

function addressOf(url: string): string | undefined {
  const parts = splitGitUrl(url)
  if (!parts?.host) return undefined
  const path = parts.path
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
  return `${parts.host}/${path}`.toLowerCase()
}
