import { safeUrl } from '../source/git-url.ts'
import { type GivenFlag, isOn, listedIn, type OldFacts, valueOf, valuesOf } from './old-facts.ts'
import { joined, nothing, type Part, refusal, told } from './part.ts'

/** What a flag comes to. `to`: the value of the chart that makes it; `arg`: it goes on as a flag; `mount`: read with the file that it names. */
type Kept = { to: string; as?: 'switch' | 'number' | 'list' } | { arg: true; list?: true }
type Rule = Kept | { mount: true } | { drop: string } | { refuse: string }

const switchTo = (to: string): Rule => ({ to, as: 'switch' })
const listTo = (to: string): Rule => ({ to, as: 'list' })
const asArg: Rule = { arg: true }
const asListArg: Rule = { arg: true, list: true }

/** Flags of both ancestors by the value of our chart that makes them. */
const rules: Readonly<Record<string, Rule>> = {
  'log-format': { to: 'logFormat' },
  listen: { drop: 'our pod listens on port 3030; `service.port` is the port of the Service' },
  'listen-metrics': { drop: 'metrics are on port 3030, where the Service and the monitors of our chart find them' },
  version: { drop: 'it only prints the version' },

  'git-branch': { to: 'git.branch' },
  'git-path': listTo('git.path'),
  'git-readonly': switchTo('git.readonly'),
  'git-user': { to: 'git.user' },
  'git-email': { to: 'git.email' },
  'git-set-author': switchTo('git.setAuthor'),
  'git-label': { to: 'git.label' },
  'git-sync-tag': asArg,
  'git-notes-ref': asArg,
  'git-ci-skip': switchTo('git.ciSkip'),
  'git-ci-skip-message': { to: 'git.ciSkipMessage' },
  'git-poll-interval': { to: 'git.pollInterval' },
  'git-timeout': { to: 'git.timeout' },
  'git-secret': switchTo('git.secret.enabled'),
  sops: switchTo('sops.enabled'),
  'git-gpg-key-import': { mount: true },
  'git-signing-key': { to: 'git.signingKey' },
  'git-verify-signatures': switchTo('git.verifySignatures'),
  'git-verify-signatures-mode': { to: 'git.verifySignaturesMode' },
  'sync-interval': { to: 'sync.interval' },
  'sync-timeout': { to: 'sync.timeout' },
  'sync-garbage-collection': switchTo('syncGarbageCollection.enabled'),
  'sync-garbage-collection-dry': switchTo('syncGarbageCollection.dry'),
  'sync-state': { to: 'sync.state' },
  'manifest-generation': switchTo('manifestGeneration'),

  'registry-disable-scanning': switchTo('registry.disableScanning'),
  'automation-interval': { to: 'registry.automationInterval' },
  'registry-rps': { to: 'registry.rps', as: 'number' },
  'registry-burst': { to: 'registry.burst', as: 'number' },
  'registry-trace': switchTo('registry.trace'),
  'registry-insecure-host': listTo('registry.insecureHosts'),
  'registry-exclude-image': listTo('registry.excludeImage'),
  'registry-include-image': listTo('registry.includeImage'),
  'registry-use-labels': listTo('registry.useTimestampLabels'),
  'registry-ecr-region': listTo('registry.ecr.region'),
  'registry-ecr-include-id': listTo('registry.ecr.includeId'),
  'registry-ecr-exclude-id': listTo('registry.ecr.excludeId'),
  'registry-require': asListArg,
  'docker-config': { mount: true },

  'k8s-secret-name': { mount: true },
  'k8s-secret-volume-mount-path': { drop: 'the key is mounted in a place of our own' },
  'k8s-secret-data-key': { mount: true },
  'k8s-default-namespace': { to: 'defaultNamespace' },
  'k8s-unsafe-exclude-resource': asListArg,
  'kube-config': { refuse: 'a kubeconfig in the pod is not taken over: Capstan uses the account of its own pod' },
  'ssh-keygen-bits': asArg,
  'ssh-keygen-type': asArg,
  'ssh-keygen-format': { to: 'ssh.keygen.format' },
  'ssh-keygen-dir': { drop: 'a key is made in memory' },

  workers: { to: 'workers', as: 'number' },
  kubeconfig: { refuse: 'a kubeconfig in the pod is not taken over: Capstan uses the account of its own pod' },
  'allow-namespace': { to: 'allowNamespace' },
  'charts-sync-interval': { to: 'chartsSyncInterval' },
  'log-release-diffs': switchTo('logReleaseDiffs'),
  'update-chart-deps': switchTo('updateChartDeps'),
  'git-default-ref': { to: 'git.defaultRef' },
  'enabled-helm-versions': { drop: 'helm 3 alone is run' },
  'helm-repository-import': { mount: true },
}

/** Lists with a default that an empty text takes away; the chart gives no flag for an empty list. */
const emptiable = new Set(['registry-exclude-image', 'registry-use-labels', 'registry-ecr-exclude-id'])
/** Read together, below. */
const together = new Set([
  'git-url',
  'registry-poll-interval',
  'k8s-allow-namespace',
  'k8s-namespace-whitelist',
  'sync-state',
])

/** What becomes of the flags: each has a line, and a value, a flag, or a reason why not. */
export function fromFlags(facts: OldFacts): Part {
  const problems = facts.problems.map((text) => refusal('arguments', 'arguments', text))
  const single = facts.flags.filter(({ name }) => !together.has(name)).map(fromFlag)
  return joined([...problems, ...single, ...(facts.old.ancestor === 'fluxd' ? ofFluxd(facts) : [])])
}

function fromFlag(flag: GivenFlag): Part {
  const { name, values, became, saying } = flag
  const subject = `--${name}`
  // what the pod never acted upon, and what is no more
  if (became === 'not applicable') return told(subject, 'dropped', saying)
  if (became.startsWith('replaced')) return told(subject, 'replaced', `${became}. ${saying}`)
  const rule = rules[name]
  if (!rule) return refusal(subject, name, 'nobody knows what it comes to')
  if ('mount' in rule) return nothing
  if ('drop' in rule) return told(subject, 'dropped', rule.drop)
  const last = values.at(-1) ?? ''
  if ('refuse' in rule) return last === '' ? told(subject, 'same', 'empty') : refusal(subject, name, rule.refuse)
  return kept(flag, rule)
}

/** By a value of the chart, or as a flag where there is none. */
function kept({ name, values, became, saying }: GivenFlag, rule: Kept): Part {
  const last = values.at(-1) ?? ''
  const how = became === 'same' ? 'same' : 'differs'
  const text = 'arg' in rule ? 'goes on as a flag' : `value ${rule.to}`
  const note = told(`--${name}`, how, how === 'same' || saying === '' ? text : `${text}. ${saying}`)
  if ('arg' in rule) return { ...note, args: [`--${name}=${rule.list ? listedIn(values).join(',') : last}`] }
  const isEmptied = rule.as === 'list' && emptiable.has(name) && listedIn(values).length === 0
  if (isEmptied) return { ...note, args: [`--${name}=`] }
  if (last === '') return told(`--${name}`, 'same', 'empty, as its default')
  return { ...note, values: [[rule.to, readAs(rule.as, values)]] }
}

function readAs(
  as: 'switch' | 'number' | 'list' | undefined,
  values: readonly string[],
): boolean | number | string | string[] {
  if (as === 'list') return listedIn(values)
  const last = values.at(-1) ?? ''
  if (as === 'switch') return isOn(last)
  return as === 'number' ? Number(last) : last
}

/** What is said by several flags, or by none: our chart's defaults are not fluxd's (ruling 13). */
function ofFluxd(facts: OldFacts): Part[] {
  return [ofUrl(facts), ofSyncState(facts), ofSyncInterval(facts), ofPollInterval(facts), ofNamespaces(facts)]
}

const loginSecret = 'capstan-git-login'

/**
 * A password in the URL itself goes into a Secret; a URL that is made of variables goes on as it is, for they go on too (flux-v1 §27). The
 * user stays in it, since fluxd's marks on objects were made of the URL with its user.
 */
function ofUrl(facts: OldFacts): Part {
  const url = valueOf(facts, 'git-url')
  if (url === '') return told('--git-url', 'same', 'none: no repository is followed')
  const said = url.includes('$(') ? 'with the variables of its environment' : safeUrl(url)
  const [, scheme = '', user = '', password = '', rest = ''] = /^(https?:\/\/)([^/@:]*):([^/@]*)@(.*)$/i.exec(url) ?? []
  if (password === '' || password.includes('$('))
    return told('--git-url', 'same', `value git.url, ${said}`, [['git.url', url]])
  return {
    ...told('--git-url', 'same', `value git.url without its password, which goes into the Secret ${loginSecret}`, [
      ['git.url', `${scheme}${user}@${rest}`],
      ['git.httpsUsername', decoded(user)],
      ['git.httpsSecretName', loginSecret],
    ]),
    secrets: { [loginSecret]: { token: decoded(password) } },
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function ofSyncState(facts: OldFacts): Part {
  const state = valueOf(facts, 'sync-state', 'git')
  const how = valuesOf(facts, 'sync-state')
    ? 'value sync.state'
    : 'value sync.state, since the default of the chart is another'
  return told('--sync-state', 'same', how, [['sync.state', state]])
}

function ofSyncInterval(facts: OldFacts): Part {
  if (valuesOf(facts, 'sync-interval')) return nothing
  return told('--sync-interval', 'same', 'value sync.interval, the default of the flag', [['sync.interval', '5m']])
}

/** An old name of --automation-interval, which counted where that was not given. */
function ofPollInterval(facts: OldFacts): Part {
  const value = valueOf(facts, 'registry-poll-interval')
  if (value === '') return nothing
  if (valuesOf(facts, 'automation-interval'))
    return told('--registry-poll-interval', 'dropped', '--automation-interval goes before it')
  return told('--registry-poll-interval', 'same', 'value registry.automationInterval', [
    ['registry.automationInterval', value],
  ])
}

function ofNamespaces(facts: OldFacts): Part {
  const given = ['k8s-allow-namespace', 'k8s-namespace-whitelist'].flatMap((name) => valuesOf(facts, name) ?? [])
  const names = [...new Set(listedIn(given))]
  if (names.length === 0) return nothing
  return told('--k8s-allow-namespace', 'same', 'value allowedNamespaces', [['allowedNamespaces', names]])
}
