/** What `capstan run` of the playground is pointed at. */
export type CapstanSettings = {
  gitUrl: string
  gitBranch: string
  gitPaths: readonly string[]
  kubeconfig: string
  redisUrl: string
  registry: string
  /** `127.0.0.1:PORT` to serve the API on. */
  listen: string
  stateDir: string
  tokenFile: string
  webhookSecretFile: string
  helm: string
  /** Where events are sent as fluxd sent them. */
  connect?: string | undefined
  /** Given by the user after `--`; they come last, so they win. */
  extra: readonly string[]
}

/** Arguments after the program: the verb and its flags. Intervals are short, so that people see things happen. */
export function capstanArgv(settings: CapstanSettings): string[] {
  return [
    'run',
    `--git-url=${settings.gitUrl}`,
    `--git-branch=${settings.gitBranch}`,
    ...settings.gitPaths.map((path) => `--git-path=${path}`),
    '--git-poll-interval=15s',
    '--sync-interval=15s',
    '--sync-garbage-collection',
    '--sync-state=cluster',
    '--charts-sync-interval=30s',
    `--registry-insecure-host=${settings.registry}`,
    `--kubeconfig=${settings.kubeconfig}`,
    `--redis-url=${settings.redisUrl}`,
    `--listen=${settings.listen}`,
    `--state-dir=${settings.stateDir}`,
    `--token-file=${settings.tokenFile}`,
    `--webhook-secret-file=${settings.webhookSecretFile}`,
    `--helm-binary=${settings.helm}`,
    '--shutdown-grace=5s',
    ...(settings.connect ? [`--connect=${settings.connect}`] : []),
    ...settings.extra,
  ]
}
