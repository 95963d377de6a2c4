/**
 * What ssh says about a server whose host key it does not take, as a sentence that names the host, the key that was offered and the
 * way out (hazard D6). Undefined where it says nothing of the kind.
 */
export function hostKeyProblem(output: string): string | undefined {
  const unknown = /^No \S+ host key is known for (\S+) and you have requested strict checking/m.exec(output)?.[1]
  const changed = /^Host key for (\S+) has changed and you have requested strict checking/m.exec(output)?.[1]
  const key = offeredKey(output)
  if (changed) {
    const now = key ? ` (it is now ${key})` : ''
    return `the host key of ${changed} is not the one that is known${now}: somebody may stand in between. If the change is right, put the new key into the file of --git-ssh-known-hosts-file in place of the old one`
  }
  if (!unknown) return undefined
  const offered = key ? ` It offered ${key}.` : ''
  return `the host key of ${unknown} is not known.${offered} Compare it with what the owner of the server publishes, then put the line of \`${scanCommand(unknown)}\` into the file of --git-ssh-known-hosts-file`
}

function offeredKey(output: string): string | undefined {
  const [, type, hash] = /^Server host key: ([\w@.-]+) (SHA256:[A-Za-z0-9+/]{43})$/m.exec(output) ?? []
  return type && hash ? `${type} ${hash}` : undefined
}

/** ssh writes a host with a port of its own as `[host]:port`. */
function scanCommand(host: string): string {
  const [, name, port] = /^\[(.+)\]:(\d+)$/.exec(host) ?? []
  return name && port ? `ssh-keyscan -p ${port} ${name}` : `ssh-keyscan ${host}`
}
