import { join } from 'node:path'
import { startCapstan } from './capstan.ts'
import { repository, startCluster, startImages, startReceiver, startRepositories } from './pieces.ts'
import { type PlaygroundFile, pidsOf } from './playground-file.ts'
import { sampleBranch, samplePath } from './sample-repository.ts'
import { linkTools, pathOf } from './stack/binaries.ts'
import { startRedis } from './stack/redis.ts'
import type { Program } from './stack/supervise.ts'
import { writeAtomic } from './stack/write-atomic.ts'
import type { PlaygroundOptions, Stage } from './stage.ts'
import { choosePorts, readSecret } from './state.ts'

export type Playground = {
  /** What stands in `playground.json` now. */
  file(): PlaygroundFile
  capstan: Program
}

/** Starts everything and Capstan on top; resolves when Capstan is ready and `playground.json` is written. */
export async function startPlayground(stage: Stage, options: PlaygroundOptions): Promise<Playground> {
  const { flags, toolbox, report, capstanProgram, signal } = options
  const { paths, supervisor } = stage
  const binDir = linkTools(paths.bin, toolbox)
  const { ports, moved } = await choosePorts(paths.ports)
  if (moved && flags.keep) report('a port of the last start is taken: addresses in the kept repository may be wrong')
  const apiUrl = `http://127.0.0.1:${ports.api}`

  const [kubeconfig, receiver] = await Promise.all([
    startCluster(stage, options, ports),
    startReceiver(stage, options, ports),
    startRedis({ supervisor, directory: paths.stateDir, port: ports.redis, binary: pathOf(toolbox, 'redis-server') }),
    startImages(stage, options, ports),
    startRepositories(stage, options, ports),
  ])
  signal.throwIfAborted()

  const source = flags.git ?? {
    url: `http://127.0.0.1:${ports.git}/${repository}`,
    branch: sampleBranch,
    paths: [samplePath],
  }
  const redisUrl = `redis://127.0.0.1:${ports.redis}`
  const started = await startCapstan({
    supervisor,
    program: capstanProgram,
    binDir,
    apiUrl,
    signal,
    settings: {
      gitUrl: source.url,
      gitBranch: source.branch,
      gitPaths: source.paths,
      kubeconfig,
      redisUrl,
      registry: `127.0.0.1:${ports.registry}`,
      listen: `127.0.0.1:${ports.api}`,
      stateDir: paths.capstan,
      tokenFile: paths.tokenFile,
      webhookSecretFile: paths.webhookSecretFile,
      helm: join(binDir, 'helm'),
      connect: receiver,
      extra: flags.capstan,
    },
  })
  report(`capstan is ready at ${apiUrl}`)

  const file = (): PlaygroundFile => ({
    version: 1,
    kubeconfig,
    apiUrl,
    token: readSecret(paths.tokenFile),
    tokenFile: paths.tokenFile,
    gitUrl: source.url,
    gitBranch: source.branch,
    gitPaths: source.paths,
    webhookUrl: `${apiUrl}/hooks/v1/default`,
    webhookSecretFile: paths.webhookSecretFile,
    redisUrl,
    queuePrefix: '{capstan}',
    registry: `127.0.0.1:${ports.registry}`,
    chartRepo: `http://127.0.0.1:${ports.charts}`,
    ...(receiver ? { receiver } : {}),
    binDir,
    helm: join(binDir, 'helm'),
    kubectl: join(binDir, 'kubectl'),
    pids: pidsOf(process.pid, supervisor.programs()),
    capstan: {
      argv: started.argv,
      env: started.env,
      log: started.program.logFile,
      restarts: started.program.restarts(),
    },
  })
  stage.onChange = () => writeAtomic(paths.file, `${JSON.stringify(file(), null, 2)}\n`)
  stage.onChange()
  return { file, capstan: started.program }
}
