import { gzipSync } from 'node:zlib'
import { Header } from 'tar'
import { createGuard, type Guard } from '../../src/adapters/egress/index.ts'
import {
  type ChartPlugins,
  createCharts,
  type KnownRepositories,
  type RegistryLogins,
} from '../../src/adapters/helm/index.ts'
import { createRegistry } from '../../src/adapters/registry/index.ts'
import type { Egress } from '../../src/lib/egress.ts'
import { silent } from '../sync/workbench.ts'

export type Entry = {
  path: string
  content?: string
  type?: 'File' | 'SymbolicLink' | 'Link' | 'CharacterDevice'
  linkpath?: string
}

/** A .tgz with exactly these entries, also those that no tool would write. */
export function archive(entries: readonly Entry[]): Buffer {
  const blocks: Buffer[] = []
  for (const { path, content = '', type = 'File', linkpath } of entries) {
    const body = Buffer.from(content)
    const header = new Header({
      path,
      type,
      size: body.length,
      mode: 0o777,
      mtime: new Date(0),
      ...(linkpath ? { linkpath } : {}),
    })
    const block = Buffer.alloc(512)
    header.encode(block, 0)
    blocks.push(block, body, Buffer.alloc((512 - (body.length % 512)) % 512))
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

/** The archive of a chart that holds nothing but its Chart.yaml. */
export function chartArchive(name: string, version: string, more = ''): Buffer {
  return archive([
    { path: `${name}/Chart.yaml`, content: `apiVersion: v2\nname: ${name}\nversion: ${version}\n${more}` },
  ])
}

const unknown: KnownRepositories = { access: async () => undefined, named: async () => undefined }

/** Charts over the real egress and the real registry client; `insecureHosts` as `--registry-insecure-host`. */
export function openCharts(options: {
  directory: string
  egress: Egress
  now?: () => number
  insecureHosts?: string[]
  known?: KnownRepositories
  guard?: Guard
  logins?: RegistryLogins
  plugins?: ChartPlugins
}) {
  const {
    now = Date.now,
    insecureHosts = [],
    known = unknown,
    guard = createGuard(),
    logins,
    plugins,
    directory,
    egress,
  } = options
  return createCharts({
    directory,
    egress,
    now,
    insecureHosts,
    known,
    registry: createRegistry({ log: silent, guard }),
    ...(logins ? { logins } : {}),
    ...(plugins ? { plugins } : {}),
  })
}
