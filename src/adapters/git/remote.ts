import { createHash } from 'node:crypto'
import { AppError } from '../../domain/error.ts'
import { gitUrlProblem, safeUrl } from '../../domain/source/git-url.ts'

/** How to reach a repository. Secrets come from files or the environment, never from a job. */
export type GitRemote = {
  /** https, http, ssh, or scp-like. Local paths and file:// only when `allowLocal` was given to createGit. */
  url: string
  auth?: /** `account` names the login where its password changes with time: the mirror then goes by this name. */
    | { kind: 'basic'; username: string; password: string; account?: string }
    | { kind: 'ssh'; privateKeyFile: string; knownHostsFile?: string }
  /** Certificates (PEM) that are trusted for this repository instead of the usual ones. */
  caFile?: string
  /**
   * Somebody else's repository: no login of the operator is used for it (netrc, git and ssh configuration, keys at home), and it never
   * shares a mirror with one for which they were.
   */
  isForeign?: boolean
  /** Its URL was not written by the operator: its server sends nobody elsewhere. Always so where it is foreign. */
  isUsers?: boolean
}

/** A remote that was checked, with what must not stand on a command line taken out of its URL. */
export type Reach = {
  /** Goes to git as it is: no user or password for http. */
  url: string
  /** For people: no password. */
  shown: string
  auth: GitRemote['auth']
  caFile: string | undefined
  isForeign: boolean
  /** Whether a first redirect is followed, which may lead to any host. */
  mayRedirect: boolean
  /** Folder name of its mirror and of its private home: other credentials never see what these fetched. */
  name: string
}

/** Checks a remote. Throws GitUnreachable, not retried, for a URL that git must not see. */
export function reach(remote: GitRemote, { allowLocal }: { allowLocal: boolean }): Reach {
  const problem = gitUrlProblem(remote.url, { allowLocal })
  if (problem) throw new AppError('GitUnreachable', `the URL of the repository ${problem}`, { retry: 'never' })
  const { url, auth: fromUrl } = takeCredentials(remote.url)
  const auth = remote.auth ?? fromUrl
  if (auth?.kind === 'basic' && /[\r\n\0]/.test(auth.username + auth.password)) {
    throw new AppError('GitAuthFailed', 'the user name or password for git holds a line break', { retry: 'never' })
  }
  const shown = safeUrl(remote.url)
  const name = createHash('sha256')
    .update(JSON.stringify([url, auth?.kind === 'basic' && auth.account ? ['account', auth.account] : auth]))
    .update(remote.caFile ?? '')
    .update(remote.isForeign ? 'foreign' : remote.isUsers ? 'users' : '')
    .digest('hex')
    .slice(0, 32)
  const isForeign = remote.isForeign ?? false
  return { url, shown, auth, caFile: remote.caFile, isForeign, mayRedirect: !isForeign && !remote.isUsers, name }
}

/** People put tokens into the URL: as the password, and at some hosts as the user. Both would show in `ps`. */
function takeCredentials(url: string): { url: string; auth: GitRemote['auth'] } {
  const [, before = '', userinfo, after = ''] = /^(https?:\/\/)([^/?#]*)@(.*)$/is.exec(url) ?? []
  if (userinfo === undefined) return { url, auth: undefined }
  const [, username = '', password = ''] = /^([^:]*):?(.*)$/s.exec(userinfo) ?? []
  return {
    url: `${before}${after}`,
    auth: { kind: 'basic', username: decode(username), password: decode(password) },
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
