import { type FlagName, type FlagValues, flags } from './flags.ts'
import { readImports } from './repository-import.ts'

/** git flags that a read-only repository makes useless (flux-v1 §12). */
const writeFlags = [
  'git-user',
  'git-email',
  'git-sync-tag',
  'git-set-author',
  'git-ci-skip',
  'git-ci-skip-message',
] as const

/** What people should know at the start although nothing is wrong: one sentence each. */
export function warnings(values: FlagValues, isGiven: (name: FlagName) => boolean): string[] {
  const { passedOver } = readImports(values['helm-repository-import'])
  const versions = values['enabled-helm-versions']
  const given = (Object.keys(flags) as FlagName[]).filter(isGiven)
  const ignored = given.filter((name) => flags[name].state === 'ignored')
  const useless = values['git-readonly'] ? writeFlags.filter(isGiven) : []
  return [
    ...(ignored.length > 0 ? [`accepted and without effect: ${ignored.map(explain).join(', ')}`] : []),
    ...(values['read-only']
      ? ['--read-only: sources are compared with the cluster, nothing is written, releases and images are left alone']
      : []),
    ...(useless.length > 0
      ? [`without effect beside --git-readonly: ${useless.map((name) => `--${name}`).join(', ')}`]
      : []),
    ...(values['git-readonly'] && values['sync-state'] === 'git' && isGiven('sync-state')
      ? ['--git-readonly prevents use of --sync-state=git; forcing to --sync-state=secret']
      : []),
    ...(values['log-format'] !== 'fmt' && values['log-format'] !== 'json'
      ? [`--log-format: "${values['log-format']}" is neither fmt nor json: fmt counts`]
      : []),
    ...(versions.includes('v2') && (isGiven('enabled-helm-versions') || !versions.includes('v3'))
      ? [
          'helm 2 is not supported: releases that ask for it are held with the reason HelmV2Release, those that name no version are of helm 3',
        ]
      : []),
    ...(values['open-refresh']
      ? [
          '--open-refresh: who reaches the API may ask for a refresh without a token; leave it out once callers bring one',
        ]
      : []),
    ...passedOver.map((text) => `--helm-repository-import=${text} is passed over: it is not of the form v3:/path`),
  ]
}

function explain(name: FlagName): string {
  const { why } = flags[name]
  return why ? `--${name} (${why})` : `--${name}`
}
