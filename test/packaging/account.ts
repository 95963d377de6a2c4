import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { kubectl } from './chart.ts'

/** A kubeconfig, as a file in `folder`, with nothing but the rights of a service account. */
export async function kubeconfigOf(options: { namespace: string; account: string; folder: string }): Promise<string> {
  const { namespace, account, folder } = options
  const { stdout: token } = await kubectl(['create', 'token', account, '--namespace', namespace])
  const { stdout } = await kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'yaml'])
  const config = parse(stdout) as { users: { user: unknown }[] }
  for (const entry of config.users) entry.user = { token: token.trim() }
  const file = join(folder, `${account}.kubeconfig`)
  await writeFile(file, stringify(config), { mode: 0o600 })
  return file
}
