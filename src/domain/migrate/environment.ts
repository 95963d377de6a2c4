import type { Json } from '../manifest/object.ts'
import { type OldFacts, takenOver } from './old-facts.ts'
import { joined, nothing, type Part, told } from './part.ts'
import { listOf, mapOf, type Raw, textOf } from '../../lib/raw.ts'

/** Variables of the container that are the ancestor's own. */
const own: Readonly<Record<string, string>> = {
  KUBECONFIG: 'the account of the pod is used',
  HELM_VERSION: 'helm 3 alone is run',
  HOME: 'the home of Capstan is its own',
  PATH: 'the programs of the image are used',
}
const secretName = 'capstan-env'
const looksSecret = /(KEY|TOKEN|SECRET|PASS|PWD|AUTH|CREDENTIAL)/i
const hasLogin = /:\/\/[^/@\s]+:[^/@\s]+@/

/** What becomes of the environment: references as they are, texts as values, and texts that look like secrets by a Secret of ours. */
export function fromEnvironment(facts: OldFacts): Part {
  const { container } = facts.old
  return joined([
    ...listOf(container.env).map((entry) => fromVariable(mapOf(entry), facts)),
    ...listOf(container.envFrom).map((entry) => fromAll(mapOf(entry), facts)),
  ])
}

function fromVariable(entry: Raw, facts: OldFacts): Part {
  const name = textOf(entry.name)
  const subject = `variable ${name}`
  const why = own[name] ?? (name.startsWith('TILLER_') ? 'helm 2 is not supported' : undefined)
  if (why) return told(subject, 'dropped', why)
  if (entry.valueFrom) return fromReference(name, mapOf(entry.valueFrom), facts)
  const value = textOf(entry.value)
  if (!looksSecret.test(name) && !hasLogin.test(value))
    return told(subject, 'same', 'value extraEnvs', [['extraEnvs', [{ name, value }]]])
  const reference = { name, valueFrom: { secretKeyRef: { name: secretName, key: name } } }
  return {
    ...told(subject, 'same', `value extraEnvs, its text in the Secret ${secretName}`, [['extraEnvs', [reference]]]),
    secrets: { [secretName]: { [name]: value } },
  }
}

function fromReference(name: string, valueFrom: Raw, facts: OldFacts): Part {
  const [field, kind] = valueFrom.secretKeyRef
    ? (['secretKeyRef', 'Secret'] as const)
    : valueFrom.configMapKeyRef
      ? (['configMapKeyRef', 'ConfigMap'] as const)
      : []
  const { value, part } = field ? renamed(valueFrom, { field, kind }, facts) : { value: valueFrom, part: nothing }
  return joined([
    told(`variable ${name}`, 'same', 'value extraEnvs', [['extraEnvs', [{ name, valueFrom: plain(value) }]]]),
    part,
  ])
}

function fromAll(entry: Raw, facts: OldFacts): Part {
  const [field, kind] = entry.secretRef ? (['secretRef', 'Secret'] as const) : (['configMapRef', 'ConfigMap'] as const)
  const { value, part } = renamed(entry, { field, kind }, facts)
  const subject = `variables of ${kind} ${textOf(mapOf(entry[field]).name)}`
  return joined([told(subject, 'same', 'value extraEnvsFrom', [['extraEnvsFrom', [plain(value)]]]), part])
}

/** The reference under the name that what it refers to has from now on. */
function renamed(
  entry: Raw,
  { field, kind }: { field: string; kind: 'Secret' | 'ConfigMap' },
  facts: OldFacts,
): { value: Raw; part: Part } {
  const reference = mapOf(entry[field])
  const taken = takenOver(facts, kind, textOf(reference.name))
  return { value: { ...entry, [field]: { ...reference, name: taken.name } }, part: taken.part }
}

function plain(value: Raw): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
