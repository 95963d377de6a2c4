import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { root } from '../dockerfile.ts'

type Say = (text: string) => void

/** What one command printed and how it ended. */
export type Ended = { code: number; output: string }

/** Debian's buildah with a storage of its own: no daemon, no namespaces, a chroot for each step. */
export type Builder = {
  /** An image of a folder's content. */
  fromFolder(name: string, folder: string): Promise<void>
  build(name: string, args: Record<string, string>, say: Say): Promise<void>
  inspect(name: string): Promise<{ OCIv1: ImageConfig }>
  /** The files of a new container of the image; the path of its root folder, and how to run something in it as its user. */
  start(
    name: string,
  ): Promise<{ root: string; run: (command: readonly string[], volumes?: readonly string[]) => Promise<Ended> }>
  /** The image as one archive of compressed layers, in this folder. */
  push(name: string, folder: string): Promise<void>
  remove(): Promise<void>
}

export type ImageConfig = {
  architecture: string
  config: { User: string; Entrypoint: string[]; Cmd: string[]; Labels: Record<string, string>; Env: string[] }
}

export function createBuilder(storage: string): Builder {
  const own = ['--root', join(storage, 'root'), '--runroot', join(storage, 'run'), '--storage-driver', 'vfs']
  const containers: string[] = []

  async function buildah(args: readonly string[], log?: string): Promise<string> {
    const { code, output } = await execute('buildah', [...own, ...args], log)
    if (code !== 0) throw new Error(`buildah ${args[0]} ended with ${code}:\n${output.slice(-3000)}`)
    return output.trim()
  }

  return {
    async fromFolder(name, folder) {
      const container = await buildah(['from', 'scratch'])
      await buildah(['copy', '--quiet', container, folder, '/'])
      await buildah(['config', '--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', container])
      await buildah(['commit', '--quiet', '--rm', container, name])
    },
    async build(name, given, say) {
      const args = Object.entries(given).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`])
      const log = join(storage, '..', 'build.log')
      say(`building; log in ${log}`)
      const how = ['--isolation', 'chroot', '--pull-never', '--layers=false', '--tag', name, '--file', 'Dockerfile']
      await buildah(['bud', ...how, ...args, root], log)
    },
    async inspect(name) {
      return JSON.parse(await buildah(['inspect', '--type', 'image', name])) as { OCIv1: ImageConfig }
    },
    async start(name) {
      const container = await buildah(['from', '--pull-never', name])
      containers.push(container)
      const path = await buildah(['mount', container])
      const run = async (command: readonly string[], volumes: readonly string[] = []) => {
        const mounts = volumes.flatMap((volume) => ['--volume', volume])
        return await execute('buildah', [
          ...own,
          'run',
          '--isolation',
          'chroot',
          ...mounts,
          container,
          '--',
          ...command,
        ])
      }
      return { root: path, run }
    },
    async push(name, folder) {
      await buildah(['push', '--quiet', name, `dir:${folder}`])
    },
    async remove() {
      for (const container of containers) await execute('buildah', [...own, 'rm', container])
      await execute('buildah', [...own, 'rmi', '--all', '--force'])
    },
  }
}

/** Runs a program to its end; never rejects for its exit code. */
export async function execute(command: string, args: readonly string[], log?: string): Promise<Ended> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const file = log ? createWriteStream(log) : undefined
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += String(chunk)
      file?.write(chunk)
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  file?.end()
  return { code: code ?? 128, output }
}
