import { type Apt, createApt } from './apt.ts'
import { addToCache, cached, toolsFolder, whileAlone } from './cache.ts'
import { createGoBuilder, type GoBuilder } from './go-build.ts'
import { downloadOfficial, probeOfficial } from './official.ts'
import { findOnPath } from './on-path.ts'
import { platformOf } from './platform.ts'
import { type Tool, type ToolName, type Way } from './table.ts'

/** A tool that can be used. */
export type Found = { path: string; version: string; from: 'path' | 'cache' | Way }

/** A tool that could not be had: what was tried and why it did not work. */
export type Missing = { tool: Tool; reasons: { way: Way; reason: string }[] }

/** What there is, by the tool's name. */
export type Toolbox = { found: Map<ToolName, Found>; missing: Missing[] }

export type InstallOptions = {
  /** One line per step. */
  report: (line: string) => void
  signal?: AbortSignal
  /** CAPSTAN_CACHE and CAPSTAN_TOOLS_MIRROR are read from here. Default: ours. */
  env?: NodeJS.ProcessEnv
}

/** Finds or installs these tools, each by its own order of ways. Never throws for a tool that cannot be had. */
export async function installTools(wanted: readonly Tool[], options: InstallOptions): Promise<Toolbox> {
  const folder = toolsFolder(options.env)
  const found: Toolbox['found'] = new Map()
  const tried = new Map<Tool, Missing['reasons']>()
  const look = async (tool: Tool) => {
    const onPath = await findOnPath(tool)
    const path = 'path' in onPath ? undefined : cached(folder, tool)
    if ('path' in onPath) found.set(tool.name, { ...onPath, from: 'path' })
    else if (path) found.set(tool.name, { path, version: tool.version, from: 'cache' })
    else tried.set(tool, [{ way: 'path', reason: onPath.reason }])
  }
  await Promise.all(wanted.map(look))
  if (tried.size === 0) return { found, missing: [] }

  const missing: Missing[] = []
  await whileAlone(folder, options.report, async () => {
    const sources = createSources(folder, options)
    for (const tool of wanted) {
      const reasons = tried.get(tool)
      if (!reasons) continue
      const got = await getTool(tool, sources, reasons, options)
      if (got) found.set(tool.name, got)
      else missing.push({ tool, reasons })
    }
  })
  return { found, missing }
}

type Sources = {
  folder: string
  mirror: string | undefined
  go: GoBuilder
  apt: Apt
  unreachable(): Promise<string | undefined>
}

function createSources(folder: string, { report, env = process.env }: InstallOptions): Sources {
  const mirror = env.CAPSTAN_TOOLS_MIRROR || undefined
  let probe: Promise<string | undefined> | undefined
  return {
    folder,
    mirror,
    go: createGoBuilder(),
    apt: createApt(),
    unreachable() {
      probe ??= probeOfficial(mirror).then((reason) => {
        if (reason) report(`official release files: ${reason}; other ways are tried`)
        return reason
      })
      return probe
    },
  }
}

/** Tries the ways in turn and adds to `tried` why each failed. */
async function getTool(
  tool: Tool,
  sources: Sources,
  tried: Missing['reasons'],
  options: InstallOptions,
): Promise<Found | undefined> {
  // Another start may have installed it while we waited.
  const path = cached(sources.folder, tool)
  if (path) return { path, version: tool.version, from: 'cache' }
  for (const way of tool.ways) {
    if (way === 'path') continue
    options.signal?.throwIfAborted()
    const started = performance.now()
    try {
      const found = await takeWay(way, tool, sources, options)
      const seconds = Math.round((performance.now() - started) / 1000)
      options.report(`${tool.name}: ${found.version} is ready (${seconds} s)`)
      return found
    } catch (error) {
      options.signal?.throwIfAborted()
      tried.push({ way, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  options.report(`${tool.name}: cannot be had`)
  return undefined
}

async function takeWay(way: Way, tool: Tool, sources: Sources, options: InstallOptions): Promise<Found> {
  const { report, signal } = options
  if (way === 'apt' && tool.apt) {
    report(`${tool.name}: installing the Debian package ${tool.apt} …`)
    await sources.apt.install(tool.apt, signal)
    const found = await findOnPath(tool)
    if ('reason' in found) throw new Error(`after the installation: ${found.reason}`)
    return { ...found, from: 'apt' }
  }
  if (way === 'official') {
    const unreachable = await sources.unreachable()
    if (unreachable) throw new Error(unreachable)
    const file = tool.official?.(platformOf(process.platform, process.arch))
    if (!file) throw new Error(`no release file for ${process.platform}/${process.arch}`)
    report(`${tool.name}: downloading ${file.url} …`)
    const { mirror } = sources
    const path = await addToCache(sources.folder, tool, (target) => downloadOfficial(file, target, { mirror, signal }))
    return { path, version: tool.version, from: 'official' }
  }
  if (way === 'go' && tool.go) {
    const { go } = tool
    report(
      `${tool.name}: building from Go module ${go.module} ${go.version} (about ${go.minutes} min at the first time) …`,
    )
    const path = await addToCache(sources.folder, tool, (target) => sources.go.build(go, target, signal))
    return { path, version: tool.version, from: 'go' }
  }
  throw new Error('not offered')
}
