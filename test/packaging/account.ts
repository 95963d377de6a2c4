import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { kubectl } from './chart.ts'

/** A kubeconfig, as a file in `folder`, with nothing but the rights of a service account. `server`: in place of the API server's own address. */
export async function kubeconfigOf(options: {
  namespace: string
  account: string
  folder: string
  server?: string | undefined
}): Promise<string> {
  const { namespace, account, folder, server } = options
  const { stdout: token } = await kubectl(['create', 'token', account, '--namespace', namespace])
  const { stdout } = await kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'yaml'])
  const config = parse(stdout) as { clusters: { cluster: unknown }[]; users: { user: unknown }[] }
  for (const entry of config.users) entry.user = { token: token.trim() }
  if (server) for (const entry of config.clusters) entry.cluster = { server, 'insecure-skip-tls-verify': true }
  const file = join(folder, `${account}.kubeconfig`)
  await writeFile(file, stringify(config), { mode: 0o600 })
  return file
}
