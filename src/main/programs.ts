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
  const { enable, source, git, generators, releases, redis } = config
  const syncs = enable.includes('sync')
  const isSsh = git.login?.kind === 'ssh'
  const hasKeys =
    git.signingKey !== '' || git.gpgKeyImport.length > 0 || (source !== undefined && source.verify !== 'none')
  const ofSources: Program[] = [
    {
      ...from('5.0', generators.kustomizeBinary, 'version'),
      why: 'for kustomizations',
      isRequired: source?.render === 'auto',
    },
    { ...from('4.0', 'bash'), why: 'for the generators of .flux.yaml', isRequired: source?.generate === true },
    {
      ...from('3.7', generators.sopsBinary, '--version', '--disable-version-check'),
      why: 'for files that sops encrypted',
      isRequired: source?.sops === true,
    },
    { ...from('', 'git-secret'), why: 'for files that git-secret encrypted', isRequired: source?.gitSecret === true },
    { ...from('2.2', 'gpg'), why: 'for signatures and encrypted files', isRequired: hasKeys },
  ]
  return [
    { ...from('2.30', 'git'), why: 'for every repository', isRequired: true },
    { ...from('', 'ssh', '-V'), why: 'for repositories over ssh', isRequired: isSsh },
    { ...from('', 'ssh-keygen', '-?'), why: 'to make a deploy key', isRequired: isSsh },
    ...(enable.includes('releases')
      ? [{ ...from('3.8', releases.helmBinary, 'version', '--short'), why: 'for every HelmRelease', isRequired: true }]
      : []),
    ...(syncs ? ofSources : []),
    ...(redis.url ? [] : [{ ...from('6.2', 'redis-server'), why: 'as there is no --redis-url', isRequired: true }]),
  ]
}

function from(version: string, command: string, ...args: string[]): Pick<Program, 'command' | 'args' | 'from'> {
  return { command, args: args.length > 0 ? args : ['--version'], from: version }
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
