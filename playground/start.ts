// `npm start`: installs what is missing, starts the playground, stays in the foreground until it is stopped.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { banner } from './banner.ts'
import { browserLink } from './browser-link.ts'
import { bundle } from './bundle.ts'
import { describeCluster } from './existing-cluster.ts'
import { type Flags, parseFlags, usage } from './flags.ts'
import { type Playground, startPlayground } from './playground.ts'
import type { PlaygroundFile } from './playground-file.ts'
import { allTools, toolsBesideCluster } from './stack/binaries.ts'
import { takeFileLock } from './stack/file-lock.ts'
import { type Stage, setStage } from './stage.ts'
import { statePaths } from './state.ts'
import { stopOnSignal } from './stop-on-signal.ts'
import { explainMissing } from './tools/explain.ts'
import { installTools } from './tools/install.ts'
import { watchSources } from './watch-sources.ts'

const root = resolve(fileURLToPath(new URL('..', import.meta.url)))
const capstanProgram = join(root, 'bin', 'capstan.mjs')
const startedAt = performance.now()

process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  // npm says where its user stands; a path that the user gives is meant from there.
  const cwd = process.env.INIT_CWD ?? process.cwd()
  const flags = parseFlags(argv, { cwd, root })
  if ('problems' in flags) {
    console.error(`${flags.problems.join('\n')}\n\n${usage}`)
    return 64
  }
  if (flags.help) {
    console.log(usage)
    return 0
  }
  if (!mayChange(flags)) return 64
  const lock = takeFileLock(statePaths(flags.stateDir).lock)
  if ('holder' in lock) {
    console.error(whereItRuns(flags, lock.holder.pid))
    return 1
  }
  try {
    return await run(flags, cwd)
  } finally {
    lock.release()
  }
}

/** An existing cluster is changed only by leave of its owner. */
function mayChange({ kubeconfig, yes, git }: Flags): boolean {
  if (!kubeconfig) return true
  try {
    const cluster = describeCluster(kubeconfig)
    if (yes) return true
    console.error(`This would apply ${git?.url ?? 'the sample repository'} to ${cluster}. Add --yes to do it.`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
  }
  return false
}

async function run(flags: Flags, cwd: string): Promise<number> {
  const stop = stopOnSignal()
  let stage: Stage | undefined
  try {
    const wanted = flags.kubeconfig ? toolsBesideCluster : allTools
    const toolbox = await installTools(wanted, { report, signal: stop.signal })
    if (toolbox.missing.length > 0) {
      console.error(explainMissing(toolbox.missing))
      return 1
    }
    report(`${toolbox.found.size} tools are there`)
    // what people will run is what is bundled; while sources change it is the sources
    if (!flags.watch) await bundle(root, report)
    stage = await setStage(flags, report)
    const playground = await startPlayground(stage, { flags, toolbox, report, capstanProgram, signal: stop.signal })
    console.log(
      banner(playground.file(), {
        link: await browserLink(playground.file(), stop.signal),
        stateDir: flags.stateDir,
        cwd,
        of: flags.git ? 'given' : flags.example ? 'example' : 'sample',
      }),
    )
    if (flags.watch) restartOnChange(playground)
    await stop.asked
    return 0
  } catch (error) {
    if (stop.signal.aborted) return 130
    console.error(error instanceof Error ? error.message : error)
    return 1
  } finally {
    report('stopping …')
    await stage?.stop()
    report('stopped')
    stop.done()
  }
}

function restartOnChange({ capstan }: Playground): void {
  watchSources(join(root, 'src'), () => {
    report('sources changed: capstan starts again')
    capstan.signal('SIGTERM')
  })
}

function whereItRuns({ stateDir }: Flags, pid: number): string {
  const lines = [`A playground runs already with the state folder ${stateDir} (pid ${pid}).`]
  try {
    const file = JSON.parse(readFileSync(statePaths(stateDir).file, 'utf8')) as PlaygroundFile
    lines.push(`  API ${file.apiUrl}, git ${file.gitUrl}, kubeconfig ${file.kubeconfig}`)
  } catch {
    lines.push('  It is still starting.')
  }
  lines.push('Stop it with Ctrl-C in its terminal, or start another one with --state-dir.')
  return lines.join('\n')
}

function report(line: string): void {
  console.log(`[${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s] ${line}`)
}
