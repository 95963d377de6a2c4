import { listOf, mapOf, textOf } from '../../lib/raw.ts'

/** What was pushed; notes and other refs are none. */
export type PushedRef = { kind: 'branch' | 'tag'; name: string }

/** What a forge says was pushed where. */
export type Pushed = {
  /** How the forge calls the repository, as URLs; they are compared and never fetched. */
  urls: string[]
  /** `project/repository` where the forge gives no URL; else empty. */
  path: string
  refs: PushedRef[] | 'any'
}

/** Every field that forges put a URL of the repository in. */
const urlFields = [
  'clone_url',
  'ssh_url',
  'git_url',
  'git_ssh_url',
  'git_http_url',
  'http_url',
  'html_url',
  'web_url',
  'homepage',
  'url',
]
const longestUrl = 2048

/** GitHub, Gitea and Forgejo: `ref` of a push; a new branch or tag comes as `ref` and `ref_type`. */
export function readGithubPush(payload: unknown): Pushed {
  const { ref, ref_type: type } = mapOf(payload)
  const refs = type === 'branch' || type === 'tag' ? [{ kind: type, name: textOf(ref) } as const] : refsOf([ref])
  return { urls: urlsOf(mapOf(payload).repository), path: '', refs }
}

/** GitLab: one `ref`, or the `refs` of a system hook. */
export function readGitlabPush(payload: unknown): Pushed {
  const { ref, refs, project, repository } = mapOf(payload)
  const names = Array.isArray(refs) ? refs : [ref]
  return { urls: [...urlsOf(project), ...urlsOf(repository)], path: '', refs: refsOf(names) }
}

/** GitLab's system hooks tell of the whole instance; undefined where nothing was pushed. */
export function readGitlabSystemPush(payload: unknown): Pushed | undefined {
  const isPush = ['push', 'tag_push', 'repository_update'].includes(textOf(mapOf(payload).event_name))
  return isPush ? readGitlabPush(payload) : undefined
}

/** Bitbucket Cloud: `push.changes`, each with what was (`old`) and what is (`new`). */
export function readBitbucketPush(payload: unknown): Pushed {
  const { repository, push } = mapOf(payload)
  const { links, full_name: name } = mapOf(repository)
  const refs = listOf(mapOf(push).changes).flatMap((change) =>
    [mapOf(change).new, mapOf(change).old].flatMap((one) => {
      const { type, name: refName } = mapOf(one)
      return type === 'branch' || type === 'tag' ? [{ kind: type, name: textOf(refName) } as const] : []
    }),
  )
  const page = textOf(mapOf(mapOf(links).html).href)
  return { urls: page ? [page] : [], path: textOf(name), refs }
}

/** Bitbucket Data Center: `changes` with `refId`; its repository has clone links, or only a project and a slug. */
export function readBitbucketServerPush(payload: unknown): Pushed {
  const { repository, changes } = mapOf(payload)
  const { links, slug, project } = mapOf(repository)
  const urls = listOf(mapOf(links).clone).map((link) => textOf(mapOf(link).href))
  const refs = refsOf(listOf(changes).map((change) => mapOf(change).refId ?? mapOf(mapOf(change).ref).id))
  const path = `${textOf(mapOf(project).key)}/${textOf(slug)}`
  return { urls: urls.filter(isUrl), path: /^.+\/.+$/.test(path) ? path : '', refs }
}

/** Anybody else: `repository` is a URL or holds one; without `ref` anything may have been pushed. */
export function readGenericPush(payload: unknown): Pushed {
  const { repository, ref } = mapOf(payload)
  const urls = typeof repository === 'string' ? [repository].filter(isUrl) : urlsOf(repository)
  return { urls, path: '', refs: ref === undefined ? 'any' : refsOf([ref]) }
}

function urlsOf(repository: unknown): string[] {
  const fields = mapOf(repository)
  return urlFields.map((field) => textOf(fields[field])).filter(isUrl)
}

function isUrl(text: string): boolean {
  return text !== '' && text.length <= longestUrl
}

function refsOf(names: readonly unknown[]): PushedRef[] {
  return names.flatMap((name) => {
    const [, type, rest] = /^refs\/(heads|tags)\/(.+)$/s.exec(textOf(name)) ?? []
    return rest === undefined ? [] : [{ kind: type === 'heads' ? 'branch' : 'tag', name: rest } as const]
  })
}
