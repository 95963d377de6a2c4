import { type Apt, createApt } from './apt.ts'
import { addToCache, cached, toolsFolder, whileAlone } from './cache.ts'
import { createGoBuilder, type GoBuilder } from './go-build.ts'
import { downloadOfficial, probeOfficial } from './official.ts'
import { findOnPath } from './on-path.ts'
import { platformOf } from './platform.ts'
import { type Tool, type ToolName, tools, type Way } from './table.ts'

/** A tool that can be used. */
export type Found = { path: string; version: string; from: 'path' | 'cache' | Way }

/** A tool that could not be had: what was tried and why it did not work. */
export type Missing = { tool: Tool; reasons: { way: Way; reason: string }[] }

export type Toolbox = { found: Map<ToolName, Found>; missing: Missing[] }

export type InstallOptions = {
  /** One line per step. */
  report: (line: string) => void
  signal?: AbortSignal
}

/** Finds or installs these tools, each by its own order of ways. Never throws for a tool that cannot be had. */
export async function installTools(names: readonly ToolName[], options: InstallOptions): Promise<Toolbox> {
  const folder = toolsFolder()
  const found = new Map<ToolName, Found>()
  const reasons = new Map<ToolName, Missing['reasons']>()
  await Promise.all(
    names.map(async (name) => {
      const tool = tools[name]
      const onPath = await findOnPath(tool)
      if ('path' in onPath) return void found.set(name, { ...onPath, from: 'path' })
      const path = cached(folder, tool)
      if (path) return void found.set(name, { path, version: tool.version, from: 'cache' })
      reasons.set(name, [{ way: 'path', reason: onPath.reason }])
    }),
  )
  const wanted = names.filter((name) => !found.has(name))
  if (wanted.length === 0) return { found, missing: [] }

  const missing: Missing[] = []
  await whileAlone(folder, options.report, async () => {
    const sources = createSources(folder, options)
    for (const name of wanted) {
      const tool = tools[name]
      const tried = reasons.get(name) ?? []
      const got = await getTool(tool, sources, tried, options)
      if (got) found.set(name, got)
      else missing.push({ tool, reasons: tried })
    }
  })
  return { found, missing }
}

type Sources = { folder: string; mirror: string | undefined; go: GoBuilder; apt: Apt; unreachable(): Promise<string | undefined> }

function createSources(folder: string, { report }: InstallOptions): Sources {
  const mirror = process.env.CAPSTAN_TOOLS_MIRROR || undefined
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
    report(`${tool.name}: building from Go module ${go.module} ${go.version} (about ${go.minutes} min at the first time) …`)
    const path = await addToCache(sources.folder, tool, (target) => sources.go.build(go, target, signal))
    return { path, version: tool.version, from: 'go' }
  }
  throw new Error('not offered')
}
