import { createHash } from 'node:crypto'
import { createReadStream, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { create } from 'tar'
import { pathOf } from '../../../playground/stack/binaries.ts'
import { installTools } from '../../../playground/tools/install.ts'
import { tools } from '../../../playground/tools/table.ts'

type ToolName = 'helm' | 'kubectl' | 'kustomize' | 'sops'
const names: readonly ToolName[] = ['helm', 'kubectl', 'kustomize', 'sops']

/** Serves this machine's programs under the addresses and with the sums that their projects have. */
export async function serveTools(
  folder: string,
  say: (text: string) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const toolbox = await installTools(
    names.map((name) => tools[name]),
    { report: say },
  )
  const at = (name: ToolName) => pathOf(toolbox, name)
  await offer(folder, helmFile(), { program: at('helm'), member: 'linux-amd64/helm' })
  await offer(folder, `v${tools.kubectl.version}/bin/linux/amd64/kubectl`, { program: at('kubectl') })
  await offer(folder, kustomizeFile(), { program: at('kustomize'), member: 'kustomize' })
  await offer(folder, `getsops/sops/releases/download/v${tools.sops.version}/sops-v${tools.sops.version}.linux.amd64`, {
    program: at('sops'),
  })
  const server = createServer((request, response) => {
    const path = join(folder, new URL(request.url ?? '/', 'http://x').pathname.replaceAll('..', ''))
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return void response.writeHead(404).end()
    createReadStream(path).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function helmFile(): string {
  return `helm-v${tools.helm.version}-linux-amd64.tar.gz`
}

function kustomizeFile(): string {
  const version = `v${tools.kustomize.version}`
  return `kubernetes-sigs/kustomize/releases/download/kustomize%2F${version}/kustomize_${version}_linux_amd64.tar.gz`
}

/** One file and its sum in each of the forms that projects publish. */
async function offer(folder: string, path: string, from: { program: string; member?: string }): Promise<void> {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  if (from.member) {
    const packed = join(folder, 'packing', from.member)
    mkdirSync(dirname(packed), { recursive: true })
    copyFileSync(from.program, packed)
    await create({ file, gzip: { level: 1 }, cwd: join(folder, 'packing') }, [from.member])
  } else copyFileSync(from.program, file)
  const sum = createHash('sha256').update(readFileSync(file)).digest('hex')
  const line = `${sum}  ${basename(file)}\n`
  writeFileSync(`${file}.sha256sum`, line)
  writeFileSync(`${file}.sha256`, sum)
  writeFileSync(join(dirname(file), 'checksums.txt'), line)
  writeFileSync(join(dirname(file), `sops-v${tools.sops.version}.checksums.txt`), line)
}
