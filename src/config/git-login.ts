import { splitGitUrl } from '../domain/source/git-url-parts.ts'
import { defined } from './defined.ts'
import type { FlagValues } from './flags.ts'

/** A secret that is in a file, to be read when it is needed, or was in the environment. Never log it. */
export type SecretSource = { file: string } | { value: string }

/** How to log in to the git server, as far as flags and environment say. */
export type GitLogin =
  | { kind: 'basic'; username: string; password: SecretSource }
  | { kind: 'githubApp'; appId: string; installationId: string; privateKeyFile: string; apiUrl?: string }
  | {
      kind: 'ssh'
      /** Undefined: use `deployKeyFile` where that file exists, else git's own keys. */
      privateKeyFile?: string
      knownHostsFile?: string
    }

/** Files of the operator's own, for git (ruling 15). */
export type GitFiles = { gitConfigFile?: string; sshConfigFile?: string; sshKnownHosts?: string; netrcFile?: string }

/** The login that flags and environment give for --git-url; undefined without one, or where the URL holds its own. */
export function makeLogin(values: FlagValues, env: Readonly<Record<string, string | undefined>>): GitLogin | undefined {
  if (!isHttpUrl(values['git-url'])) return makeSshLogin(values)
  if (values['git-github-app-id'])
    return {
      kind: 'githubApp',
      appId: values['git-github-app-id'],
      installationId: values['git-github-app-installation-id'],
      privateKeyFile: values['git-github-app-key-file'],
      ...defined('apiUrl', values['git-github-app-url']),
    }
  const value = env.GIT_AUTHKEY || env.CAPSTAN_GIT_TOKEN
  const file = values['git-https-token-file']
  // what the URL holds is taken out of it, and decoded, where git is called
  if (hasPassword(values['git-url']) || (!file && !value)) return undefined
  const password: SecretSource = file ? { file } : { value: value as string }
  const username = values['git-https-username'] || splitGitUrl(values['git-url'])?.user || 'git'
  return { kind: 'basic', username, password }
}

/** The files that flags name. */
export function makeGitFiles(values: FlagValues): GitFiles {
  return {
    ...defined('gitConfigFile', values['git-config-file']),
    ...defined('sshConfigFile', values['git-ssh-config-file']),
    ...defined('sshKnownHosts', values['git-ssh-known-hosts-file']),
    ...defined('netrcFile', values['git-netrc-file']),
  }
}

/** True for a URL that git reaches by http or https. */
export function isHttpUrl(url: string): boolean {
  return /^https?:\/\//i.test(url)
}

/** True for a URL of http or https with a password in it, which then goes before those of the environment (flux-v1 §27). */
export function hasPassword(url: string): boolean {
  return /^https?:\/\/[^/?#:]*:[^/?#]+@/i.test(url)
}

function makeSshLogin(values: FlagValues): GitLogin | undefined {
  if (!values['git-url']) return undefined
  return {
    kind: 'ssh',
    ...defined('privateKeyFile', values['git-ssh-key-file']),
    ...defined('knownHostsFile', values['git-ssh-known-hosts-file']),
  }
}
