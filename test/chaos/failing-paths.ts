import type { Random } from './random.ts'

/** A secret and what every spelling of it holds: digits that occur nowhere else. */
export type Canary = { text: string; core: string }

/** With all that JSON, URLs, YAML and shells escape. */
export function makeCanary(random: Random): Canary {
  const core = Array.from({ length: 24 }, () => random.between(0, 15).toString(16)).join('')
  const [before, after] = [
    random.pick(['"', 'a\\b', 'é/', '%+', 'x y', "'"]),
    random.pick(['&=', '\\"', '+/=', '$(x)', '#']),
  ]
  return { text: `k3y${before}${core}${after}z`, core }
}

/** What is looked for: the core, and what base64 makes of it at each place in a longer text. */
export function spellings({ core }: Canary): string[] {
  const bytes = Buffer.from(core)
  const encoded = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)),
  )
  return [core, core.toUpperCase(), Buffer.from(core).toString('hex'), ...encoded]
}

/** Templates that fail, each with `.Values.secret` in what helm, or the API server, then says. */
export const failures: readonly string[] = [
  '{{ fail (printf "no: %s" .Values.secret) }}',
  '{{ fail (printf "no: %q" .Values.secret) }}',
  '{{ fail (printf "no: %v" .Values) }}',
  '{{ fail (printf "no: %x" .Values.secret) }}',
  '{{ fail (b64enc .Values.secret) }}',
  '{{ fail (b64enc (printf "password=%s" .Values.secret)) }}',
  '{{ fail (urlquery .Values.secret) }}',
  '{{ fail (toJson .Values) }}',
  '{{ fail (toJson (toJson .Values)) }}',
  '{{ fail (toYaml .Values) }}',
  '{{ fail (quote .Values.secret) }}',
  '{{ fail (index .Values.list 1) }}',
  '{{ fail .Values.map.deep.secret }}',
  '{{ fail (cat "https://bot:" (urlquery .Values.secret) "@example.com") }}',
  '{{ fail (printf "%s%s" .Values.secret .Values.secret) }}',
  '{{ required (print "missing: " .Values.secret) nil }}',
  '{{ include .Values.secret . }}',
  '{{ tpl (print "{{ " .Values.secret) . }}',
  '{{ tpl (print "{{ fail " (quote .Values.secret) " }}") . }}',
  '{{ semverCompare .Values.secret "1.0.0" }}',
  '{{ mustToDate "2006-01-02" .Values.secret }}',
  '{{ mustRegexMatch (print "(" .Values.secret) "x" }}',
  '{{ fail (fromJson .Values.secret | toJson) }}',
  '{{ b64dec .Values.secret | fail }}',
  'a: b: {{ .Values.secret }}',
  '{{ .Values.secret }}: [',
  'apiVersion: v1\nkind: {{ quote .Values.secret }}\nmetadata: {name: a}',
  'apiVersion: {{ quote .Values.secret }}\nkind: ConfigMap\nmetadata: {name: a}',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ quote .Values.secret }}}',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: {{ quote .Values.secret }}}',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {x: {{ quote .Values.secret }}}}',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {{ quote .Values.secret }}}',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {{ quote .Values.secret }}',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: [{{ quote .Values.secret }}]}',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nunknown: {{ quote .Values.secret }}\ndata: []',
  'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {x: {{ quote .Values.secret }}}',
  'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {x: {y: {{ quote .Values.secret }}}}',
  'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {{ toJson (list .Values.secret) }}',
  'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: {{ quote .Values.secret }}}]}',
  'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: {{ quote .Values.secret }}, ports: [{port: 1}]}',
  'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a, env: [{name: {{ quote .Values.secret }}, value: 1}]}]}',
  'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {restartPolicy: {{ quote .Values.secret }}, containers: [{name: a, image: a}]}',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ quote .Values.secret }}, annotations: {helm.sh/hook: pre-install}}',
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {helm.sh/hook: {{ quote .Values.secret }}, helm.sh/hook-weight: {{ quote .Values.secret }}}}',
]

type Ground = {
  /** A Secret of the namespace. */
  putSecret: (name: string, data: Record<string, string>) => Promise<void>
  charts: string
  /** Host and port of a server that says aloud what it was sent. */
  gossip: string
}

/** Ways to a chart or to values on which a login is refused or misunderstood; `spec` of the HelmRelease. */
export const accesses: readonly ((name: string, canary: Canary, ground: Ground) => Promise<Record<string, unknown>>)[] =
  [
    async (_, canary, { gossip }) => ({ chart: chartAt(`http://${login(canary)}@${gossip}/refused`) }),
    async (_, canary, { gossip }) => ({ chart: chartAt(`http://${login(canary)}@${gossip}/index`) }),
    async (_, canary, { gossip }) => ({ chart: chartAt(`http://${login(canary)}@${gossip}/moved`) }),
    async (_, canary, { gossip }) => ({ chart: chartAt(`http://${login(canary)}@${gossip}/broken`) }),
    async (name, { text }, { gossip, putSecret }) => {
      await putSecret(`${name}-login`, { username: 'bot', password: text })
      return { chart: { ...chartAt(`http://${gossip}/refused`), chartPullSecret: { name: `${name}-login` } } }
    },
    async (name, { text }, { gossip, putSecret }) => {
      await putSecret(`${name}-login`, {
        'repositories.yaml': `repositories: [{password: ${text}, url: http://${gossip}`,
      })
      return { chart: { ...chartAt(`http://${gossip}/index`), chartPullSecret: { name: `${name}-login` } } }
    },
    async (name, { text }, { gossip, putSecret }) => {
      await putSecret(`${name}-login`, { '.dockerconfigjson': `{"auths": {"${gossip}": {"auth": "${text}` })
      return { chart: { ...chartAt(`oci://${gossip}/charts`), chartPullSecret: { name: `${name}-login` } } }
    },
    async (_, canary, { gossip }) => ({ chart: { git: `http://${login(canary)}@${gossip}/refused.git`, path: 'a' } }),
    async (_, canary, { gossip }) => ({ chart: { git: `http://${login(canary)}@${gossip}/moved.git`, path: 'a' } }),
    async (name, { text }, { gossip, putSecret }) => {
      await putSecret(`${name}-git`, { username: 'bot', password: text })
      return { chart: { git: `http://${gossip}/refused.git`, path: 'a', secretRef: { name: `${name}-git` } } }
    },
    async (name, { text }, { gossip, putSecret }) => {
      const identity = `-----BEGIN OPENSSH PRIVATE KEY-----\n${text}\n-----END OPENSSH PRIVATE KEY-----\n`
      await putSecret(`${name}-git`, { identity, known_hosts: '127.0.0.1 ssh-ed25519 AAAA' })
      return { chart: { git: `ssh://git@${gossip}/a.git`, path: 'a', secretRef: { name: `${name}-git` } } }
    },
    async (_, canary, { charts, gossip }) =>
      values(charts, { externalSourceRef: { url: `http://${login(canary)}@${gossip}/refused` } }),
    async (_, { text }, { charts, gossip }) =>
      values(charts, { externalSourceRef: { url: `http://${gossip}/refused?token=${encodeURIComponent(text)}` } }),
    async (_, canary, { charts, gossip }) =>
      values(charts, { externalSourceRef: { url: `http://${login(canary)}@${gossip}/moved` } }),
    async (name, { text }, { charts, putSecret }) => {
      await putSecret(`${name}-odd`, { 'values.yaml': `secret: ${JSON.stringify(text)}\n  is: no: yaml: [` })
      return values(charts, { secretKeyRef: { name: `${name}-odd` } })
    },
    async (name, { text }, { charts, putSecret }) => {
      await putSecret(`${name}-odd`, { 'values.yaml': text })
      return values(charts, { secretKeyRef: { name: `${name}-odd` } })
    },
  ]

function login({ text }: Canary): string {
  return `bot:${encodeURIComponent(text)}`
}

function chartAt(repository: string) {
  return { repository, name: 'demo', version: '1.0.0' }
}

function values(repository: string, source: object) {
  return { chart: chartAt(repository), valuesFrom: [source] }
}
