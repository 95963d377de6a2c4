/** Ours, or the way to our cluster, Redis and git server; and what only means something to the process that has it. */
const withheld =
  /^(?:KUBERNETES_|CAPSTAN_|(?:.*_)?REDIS(?:_|$)|GIT_AUTHKEY$|GIT_AUTHUSER$|KUBECONFIG$|HOME$|TMPDIR$|PWD$|OLDPWD$|SHLVL$|_$|npm_|NODE_OPTIONS$|NODE_CHANNEL_|LD_PRELOAD$)/i
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * What programs see that are neither Capstan's nor helm's, such as the commands of a repository (ruling 14): PATH and every variable that the
 * operator set on the container, without Capstan's own. HOME and TMPDIR are for each to give.
 */
export function operatorEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]): [string, string][] =>
    value === undefined || withheld.test(name) ? [] : [[name, value]],
  )
  return { PATH: defaultPath, ...Object.fromEntries(kept) }
}
