{{- define "capstan.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "capstan.selector" -}}
app.kubernetes.io/name: capstan
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "capstan.labels" -}}
{{ include "capstan.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "capstan.redisSelector" -}}
app.kubernetes.io/name: capstan-redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "capstan.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "capstan.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "capstan.redisSecret" -}}
{{ .Values.redis.existingSecret | default (printf "%s-redis" (include "capstan.name" .)) }}
{{- end }}

{{- define "capstan.apiSecret" -}}
{{ .Values.api.existingSecret | default (printf "%s-api" (include "capstan.name" .)) }}
{{- end }}

{{/* A list, or a text with commas, as fluxd's chart had it. */}}
{{- define "capstan.commas" -}}
{{- if kindIs "slice" . }}{{ join "," . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- define "capstan.isHttpGit" -}}
{{- if regexMatch "^[hH][tT][tT][pP][sS]?://" .Values.git.url }}true{{ end }}
{{- end }}

{{/* What contradicts is said before anything is installed. */}}
{{- define "capstan.check" -}}
{{- $git := .Values.git }}
{{- $redis := .Values.redis }}
{{- if and $redis.enabled (or $redis.url $redis.existingSecret) }}{{ fail "redis.enabled and redis.url or redis.existingSecret contradict each other: set redis.enabled=false to use your own Redis" }}{{ end }}
{{- if and $redis.url $redis.existingSecret }}{{ fail "redis.url and redis.existingSecret contradict each other: give one of them" }}{{ end }}
{{- if not (or $redis.enabled $redis.url $redis.existingSecret) }}{{ fail "redis.enabled=false needs redis.url or redis.existingSecret" }}{{ end }}
{{- if and (include "capstan.isHttpGit" .) (or $git.secretName $git.knownHosts) }}{{ fail "git.secretName and git.knownHosts are for an ssh git.url; use git.httpsSecretName" }}{{ end }}
{{- if and $git.url (not (include "capstan.isHttpGit" .)) $git.httpsSecretName }}{{ fail "git.httpsSecretName is for an https git.url; use git.secretName" }}{{ end }}
{{- if and $git.httpsUsername (not $git.httpsSecretName) }}{{ fail "git.httpsUsername needs git.httpsSecretName" }}{{ end }}
{{- if and .Values.rbac.create (not .Values.clusterRole.create) (has "releases" .Values.enable) (not .Values.allowNamespace) }}{{ fail "clusterRole.create=false needs allowNamespace, the one namespace in which HelmReleases are looked for, or enable without releases" }}{{ end }}
{{- end }}
