import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Downloader, readChartPlugin } from '../../domain/release/chart-plugin.ts'
import { operatorEnvironment } from '../../lib/operator-environment.ts'
import type { Run } from '../../lib/run.ts'

/** What a plugin is asked for. `login` is for its host alone. */
export type PluginRequest = {
  url: string
  login?: { username: string; password: string }
  maxBytes: number
  timeoutMs: number
}

/** The downloader plugins of helm that the operator installed (ruling 15): they fetch, and nothing else of them is run. */
export type ChartPlugins = {
  /** Whether one of them fetches URLs of this scheme, such as `s3`. */
  handles(scheme: string): Promise<boolean>
  /** The file at a URL. Rejects with a plain Error that says why not. */
  fetch(request: PluginRequest): Promise<Uint8Array>
}

type Plugin = { name: string; folder: string } & Downloader

/**
 * Plugins are read anew at each question, so that one may come later. They see the variables that the operator set on the container, such
 * as the names of roles and regions, and those that helm gives to its plugins.
 */
export function createChartPlugins(options: {
  run: Run
  /** As HELM_PLUGINS: a folder for each plugin. */
  folder: string
  helmBinary: string
  /** Home of the plugins; may be deleted at any time. */
  directory: string
  environment: Readonly<Record<string, string | undefined>>
}): ChartPlugins {
  const { run, folder, helmBinary, directory, environment } = options
  const find = async (scheme: string) => (await readPlugins(folder)).find(({ schemes }) => schemes.includes(scheme))

  return {
    handles: async (scheme) => (await find(scheme)) !== undefined,
    async fetch({ url, login, maxBytes, timeoutMs }) {
      const plugin = await find(new URL(url).protocol.slice(0, -1))
      if (!plugin) throw new Error(`no plugin in ${folder} fetches it`)
      const [program = '', ...first] = plugin.command
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const { ended, exitCode, bytes, stderr } = await run({
        command: join(plugin.folder, program),
        // the three are files of a client certificate, its key and an authority, as helm gives them
        args: [...first, '', '', '', url],
        env: {
          ...operatorEnvironment(environment),
          HOME: directory,
          HELM_BIN: helmBinary,
          HELM_PLUGINS: folder,
          HELM_PLUGIN_NAME: plugin.name,
          HELM_PLUGIN_DIR: plugin.folder,
          ...(login ? { HELM_PLUGIN_USERNAME: login.username, HELM_PLUGIN_PASSWORD: login.password } : {}),
        },
        isBinary: true,
        maxOutputBytes: maxBytes,
        timeoutMs,
      })
      if (ended === 'exit' && exitCode === 0 && bytes) return bytes
      const how = ended === 'exit' ? `ended with ${exitCode}` : ended === 'timeout' ? 'took too long' : `was ${ended}`
      throw new Error(`plugin ${plugin.name} ${how}: ${stderr.trim().split('\n').slice(-3).join(' ')}`)
    },
  }
}

async function readPlugins(folder: string): Promise<Plugin[]> {
  // one that is not there yet has no plugins yet
  const names: string[] = await readdir(folder).catch(() => [])
  const plugins = await Promise.all(names.toSorted().map(async (name) => await readPlugin(join(folder, name))))
  return plugins.flat()
}

/** One plugin for each of its programs; none where the folder holds no plugin. */
async function readPlugin(folder: string): Promise<Plugin[]> {
  const text = await readFile(join(folder, 'plugin.yaml'), 'utf8').catch(() => '')
  const read = readChartPlugin(text)
  return read ? read.downloaders.map((one) => ({ ...one, name: read.name, folder })) : []
}
