import type { Config } from '../config/config.ts'

/** A program that we run, and the oldest version with which what we do with it is safe. */
export type Program = {
  command: string
  args: readonly string[]
  /** Oldest version, as `2.30`; empty where any will do. */
  from: string
  /** What it is for, after "needed". */
  why: string
  /** Without it nothing goes; else only what `why` says. */
  isRequired: boolean
}

/** The programs that these settings ask for. Source objects may ask for more than the flags do. */
export function programsFor(config: Config): Program[] {
  const { enable, source, git, generators } = config
  const syncs = enable.includes('sync')
  const one = (command: string, args: string, from: string, why: string, isRequired: boolean): Program => ({
    command,
    args: args.split(' '),
    from,
    why,
    isRequired,
  })
  const signs = git.signingKey !== '' || git.gpgKeyImport.length > 0 || (source && source.verify !== 'none')
  return [
    one('git', '--version', '2.30', 'for every repository', syncs || enable.includes('releases')),
    ...(enable.includes('releases')
      ? [one(config.releases.helmBinary, 'version --short', '3.8', 'for every HelmRelease', true)]
      : []),
    one('ssh', '-V', '', 'for repositories over ssh', git.login?.kind === 'ssh'),
    one('ssh-keygen', '-?', '', 'to make a deploy key', git.login?.kind === 'ssh'),
    ...(syncs
      ? [
          one(generators.kustomizeBinary, 'version', '5.0', 'for kustomizations', source?.render === 'auto'),
          one('bash', '--version', '4.0', 'for the generators of .flux.yaml', Boolean(source?.generate)),
          one(
            generators.sopsBinary,
            '--version --disable-version-check',
            '3.7',
            'for encrypted files',
            Boolean(source?.sops),
          ),
          one('git-secret', '--version', '', 'for git-secret', Boolean(source?.gitSecret)),
          one('gpg', '--version', '2.2', 'for signatures and encrypted files', Boolean(signs)),
        ]
      : []),
    ...(config.redis.url ? [] : [one('redis-server', '--version', '6.2', 'as there is no --redis-url', true)]),
  ]
}

/** The first version in what a program printed, as `3.22.0`; empty when there is none. */
export function versionIn(printed: string): string {
  return /(?<![\d.])\d+\.\d+(?:\.\d+)*/.exec(printed)?.[0] ?? ''
}

/** Whether a version is `from` or newer. */
export function isAtLeast(version: string, from: string): boolean {
  const [have, want] = [version, from].map((text) => text.split('.').map(Number))
  for (const [at, wanted] of (want ?? []).entries()) {
    const here = have?.[at] ?? 0
    if (here !== wanted) return here > wanted
  }
  return true
}
