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
/** The Secret of ours that holds texts of the old environment. */
export const envSecret = 'capstan-env'
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
  if (!hidesSecret(name, value)) return told(subject, 'same', 'value extraEnvs', [['extraEnvs', [{ name, value }]]])
  const reference = { name, valueFrom: { secretKeyRef: { name: envSecret, key: name } } }
  return {
    ...told(subject, 'same', `value extraEnvs, its text in the Secret ${envSecret}`, [['extraEnvs', [reference]]]),
    secrets: { [envSecret]: { [name]: value } },
  }
}

function fromReference(name: string, valueFrom: Raw, facts: OldFacts): Part {
  const { value, part } = renamed(valueFrom, facts)
  return joined([
    told(`variable ${name}`, 'same', 'value extraEnvs', [['extraEnvs', [{ name, valueFrom: plain(value) }]]]),
    part,
  ])
}

function fromAll(entry: Raw, facts: OldFacts): Part {
  const { field, kind } = referenceIn(entry) ?? { field: 'configMapRef', kind: 'ConfigMap' }
  const { value, part } = renamed(entry, facts)
  const subject = `variables of ${kind} ${textOf(mapOf(entry[field]).name)}`
  return joined([told(subject, 'same', 'value extraEnvsFrom', [['extraEnvsFrom', [plain(value)]]]), part])
}

/** Whether the text of a variable, by its name or what it says, must not stand in a file of values. */
export function hidesSecret(name: string, text: string): boolean {
  return looksSecret.test(name) || hasLogin.test(text)
}

/** A reference to a Secret or ConfigMap, of one variable or of all in it, under the name that it has from now on. */
export function renamed(entry: Raw, facts: OldFacts): { value: Raw; part: Part } {
  const found = referenceIn(entry)
  if (!found) return { value: entry, part: nothing }
  const reference = mapOf(entry[found.field])
  const taken = takenOver(facts, found.kind, textOf(reference.name))
  return { value: { ...entry, [found.field]: { ...reference, name: taken.name } }, part: taken.part }
}

const references = [
  { field: 'secretKeyRef', kind: 'Secret' },
  { field: 'secretRef', kind: 'Secret' },
  { field: 'configMapKeyRef', kind: 'ConfigMap' },
  { field: 'configMapRef', kind: 'ConfigMap' },
] as const

function referenceIn(entry: Raw): (typeof references)[number] | undefined {
  return references.find(({ field }) => entry[field] !== undefined)
}

function plain(value: Raw): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
