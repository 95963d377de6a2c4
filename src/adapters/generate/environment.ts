/** Ours, or the way to our cluster, Redis and git server; and what only means something to the process that has it. */
const withheld =
  /^(?:KUBERNETES_|CAPSTAN_|(?:.*_)?REDIS(?:_|$)|GIT_AUTHKEY$|GIT_AUTHUSER$|KUBECONFIG$|HOME$|TMPDIR$|PWD$|OLDPWD$|SHLVL$|_$|npm_|NODE_OPTIONS$|NODE_CHANNEL_|LD_PRELOAD$)/i
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * What the commands of a repository see (ruling 14): PATH and every variable that the operator set on the container, without
 * Capstan's own. HOME and TMPDIR come from the checkout.
 */
export function generatorEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]): [string, string][] =>
    value === undefined || withheld.test(name) ? [] : [[name, value]],
  )
  return { PATH: defaultPath, ...Object.fromEntries(kept) }
}
