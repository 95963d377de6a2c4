{{- define "capstan.name" -}}
{{- $chart := .Values.nameOverride | default .Chart.Name }}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $chart .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $chart | trunc 50 | trimSuffix "-" }}{{ end }}
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

{{/* Of one Deployment; component is all, controller, worker or api. */}}
{{- define "capstan.componentSelector" -}}
{{ include "capstan.selector" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "capstan.componentName" -}}
{{- if eq .component "all" }}{{ include "capstan.name" .root }}{{ else }}{{ printf "%s-%s" (include "capstan.name" .root) .component }}{{ end }}
{{- end }}

{{/* The component that serves the API. */}}
{{- define "capstan.apiComponent" -}}
{{- if .Values.roles.split }}api{{ else }}all{{ end }}
{{- end }}

{{/* The Deployment that serves the API. */}}
{{- define "capstan.apiDeployment" -}}
{{- include "capstan.componentName" (dict "root" . "component" (include "capstan.apiComponent" .)) }}
{{- end }}

{{- define "capstan.redisSelector" -}}
app.kubernetes.io/name: capstan-redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "capstan.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "capstan.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{/* Controllers and the API only read the cluster: made for them, they have an account of their own. */}}
{{- define "capstan.componentAccount" -}}
{{- if and .root.Values.serviceAccount.create .root.Values.rbac.create (has .component (list "controller" "api")) }}
{{- printf "%s-%s" (include "capstan.serviceAccount" .root) .component }}
{{- else }}{{ include "capstan.serviceAccount" .root }}{{ end }}
{{- end }}

{{- define "capstan.clusterRole" -}}
{{- /* of the whole cluster: two releases of one name must not share it */}}
{{- .Values.clusterRole.name | default (printf "%s-%s" .Release.Namespace (include "capstan.name" .)) }}
{{- end }}

{{/* Rights in the whole cluster: ours, or an existing role that is bound. */}}
{{- define "capstan.isClusterWide" -}}
{{- if or .Values.clusterRole.create .Values.clusterRole.name }}true{{ end }}
{{- end }}

{{/* Who may call the API: asking the cluster needs a right in all of it. */}}
{{- define "capstan.apiAuth" -}}
{{- .Values.api.auth | default (ternary "kubernetes" "token" (and .Values.rbac.create .Values.clusterRole.create)) }}
{{- end }}

{{- define "capstan.redisSecret" -}}
{{ .Values.redis.existingSecret | default (printf "%s-redis" (include "capstan.name" .)) }}
{{- end }}

{{/* Where your own Redis listens; in a Secret its URL cannot be read, so the usual ports without and with TLS. */}}
{{- define "capstan.redisPorts" -}}
{{- if .Values.redis.url }}
{{- $port := .Values.redis.url | regexFind ":[0-9]+(/[0-9]*)?$" | regexFind "[0-9]+" | default "6379" }}
{{- list (int $port) | toJson }}
{{- else }}[6379, 6380]{{ end }}
{{- end }}

{{- define "capstan.apiSecret" -}}
{{ .Values.api.existingSecret | default (printf "%s-api" (include "capstan.name" .)) }}
{{- end }}

{{/* The Secret of the deploy key, as the operator gave it; both ancestors' names. */}}
{{- define "capstan.keySecret" -}}
{{ .Values.git.secretName | default .Values.git.ssh.secretName }}
{{- end }}

{{/* The Secret with the operator's git configuration: one that is named, else ours. */}}
{{- define "capstan.gitConfigSecret" -}}
{{- with .Values.git.config }}{{ if .enabled }}{{ .secretName | default (printf "%s-git-config" (include "capstan.name" $)) }}{{ end }}{{ end }}
{{- end }}

{{- define "capstan.knownHosts" -}}
{{ .Values.git.knownHosts | default .Values.ssh.known_hosts | default .Values.git.ssh.known_hosts }}
{{- end }}

{{/* A list, or a text with commas, as the ancestors' charts had it. */}}
{{- /* helm reads a number in a values file as a float, which prints as 6.78e+08 */}}
{{- define "capstan.number" -}}
{{- if kindIs "float64" . }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- define "capstan.commas" -}}
{{- if kindIs "slice" . }}{{ join "," . }}{{ else if not (kindIs "invalid" .) }}{{ . }}{{ end }}
{{- end }}

{{- define "capstan.isHttpGit" -}}
{{- if regexMatch "^[hH][tT][tT][pP][sS]?://" .Values.git.url }}true{{ end }}
{{- end }}

{{/* Namespaces that syncs may touch; empty for all. */}}
{{- define "capstan.allowedNamespaces" -}}
{{- $given := splitList "," (include "capstan.commas" .Values.allowedNamespaces) | compact | uniq }}
{{- if and (not $given) (not (include "capstan.isClusterWide" .)) }}{{ .Release.Namespace }}{{ else }}{{ join "," $given }}{{ end }}
{{- end }}

{{/* The one namespace in which HelmReleases are looked for; empty for all. */}}
{{- define "capstan.releaseNamespace" -}}
{{- if .Values.allowNamespace }}{{ .Values.allowNamespace }}
{{- else if not (include "capstan.isClusterWide" .) }}{{ .Release.Namespace }}{{ end }}
{{- end }}

{{/* Where Source objects are looked for; with rights in some namespaces only, there. */}}
{{- define "capstan.sourceNamespaces" -}}
{{- $given := splitList "," (include "capstan.commas" .Values.sources.namespaces) }}
{{- if include "capstan.isClusterWide" . }}{{ join "," (compact $given | uniq) }}
{{- else }}{{ join "," (concat (list .Release.Namespace) $given (splitList "," (include "capstan.allowedNamespaces" .)) | compact | uniq) }}{{ end }}
{{- end }}

{{- define "capstan.does" -}}
{{- if has .work (splitList "," (include "capstan.commas" .root.Values.enable)) }}true{{ end }}
{{- end }}

{{/* What jobs are given, or the drain where that is longer, and half a minute for helm, git and the last answers to end after that. */}}
{{- define "capstan.graceSeconds" -}}
{{- add (max (include "capstan.secondsOf" (dict "root" . "value" "shutdownGrace") | int) (include "capstan.secondsOf" (dict "root" . "value" "drainTime") | int)) 30 }}
{{- end }}

{{/* The seconds of a value that is a time. */}}
{{- define "capstan.secondsOf" -}}
{{- $time := toString (index .root.Values .value) }}
{{- if regexMatch "^[0-9]+s$" $time }}{{ trimSuffix "s" $time }}
{{- else if regexMatch "^[0-9]+m$" $time }}{{ mul (trimSuffix "m" $time | int) 60 }}
{{- else }}{{ fail (printf "%s must be in whole seconds or minutes, as 600s or 10m: %q" .value $time) }}{{ end }}
{{- end }}

{{/* Image of the program. */}}
{{- define "capstan.image" -}}
{{- $image := .Values.image }}
{{- if $image.digest }}{{ printf "%s@%s" $image.repository $image.digest }}{{ else }}{{ printf "%s:%s" $image.repository (toString $image.tag | default .Chart.AppVersion) }}{{ end }}
{{- end }}

{{- define "capstan.pullSecrets" -}}
{{- $secrets := .Values.imagePullSecrets }}
{{- with .Values.image.pullSecret }}{{ $secrets = append $secrets (dict "name" .) }}{{ end }}
{{- with $secrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The security context of every pod of ours: the restricted standard. */}}
{{- define "capstan.podSecurity" -}}
{{- $ours := dict "runAsNonRoot" true "runAsUser" 65534 "runAsGroup" 65534 "fsGroup" 65534 "fsGroupChangePolicy" "OnRootMismatch" "seccompProfile" (dict "type" "RuntimeDefault") }}
{{- merge (deepCopy .Values.securityContext) $ours | toYaml }}
{{- end }}

{{- define "capstan.containerSecurity" -}}
{{- $given := omit (merge (deepCopy (.Values.containerSecurityContext.helmOperator | default dict)) (deepCopy .Values.containerSecurityContext)) "helmOperator" "tiller" }}
{{- $ours := dict "allowPrivilegeEscalation" false "capabilities" (dict "drop" (list "ALL")) }}
{{- merge $given $ours (dict "readOnlyRootFilesystem" .Values.readOnlyRootFilesystem) | toYaml }}
{{- end }}

{{/* A value by its dotted path, as JSON; empty where it is not given. */}}
{{- define "capstan.valueAt" -}}
{{- $at := .values }}
{{- range splitList "." .path }}
{{- $at = ternary $at dict (kindIs "map" $at) }}
{{- $at = index $at . }}
{{- end }}
{{- if not (kindIs "invalid" $at) }}{{ toJson $at }}{{ end }}
{{- end }}

{{/* What contradicts is said before anything is installed. */}}
{{- define "capstan.check" -}}
{{- $git := .Values.git }}
{{- $redis := .Values.redis }}
{{- $scaling := .Values.roles.worker.autoscaling }}
{{- if regexMatch "(^|/)(fluxcd|weaveworks)/(flux|helm-operator)(-prerelease)?$" .Values.image.repository }}{{ fail (printf "image.repository is an ancestor's image, %s: leave image out of your values file" .Values.image.repository) }}{{ end }}
{{- if and $redis.enabled (or $redis.url $redis.existingSecret) }}{{ fail "redis.enabled and redis.url or redis.existingSecret contradict each other: set redis.enabled=false to use your own Redis" }}{{ end }}
{{- if and $redis.url $redis.existingSecret }}{{ fail "redis.url and redis.existingSecret contradict each other: give one of them" }}{{ end }}
{{- if not (or $redis.enabled $redis.url $redis.existingSecret) }}{{ fail "redis.enabled=false needs redis.url or redis.existingSecret" }}{{ end }}
{{- if and (include "capstan.isHttpGit" .) $git.secretName (not (include "capstan.does" (dict "root" . "work" "releases"))) }}{{ fail "git.secretName is for an ssh git.url, or for charts where releases run; use git.httpsSecretName" }}{{ end }}
{{- if and $git.url (not (include "capstan.isHttpGit" .)) $git.httpsSecretName }}{{ fail "git.httpsSecretName is for an https git.url; use git.secretName" }}{{ end }}
{{- if and $git.githubApp.secretName (or $git.httpsSecretName (not $git.githubApp.id) (not $git.githubApp.installationId)) }}{{ fail "git.githubApp needs id, installationId and secretName, and no git.httpsSecretName" }}{{ end }}
{{- if and $git.githubApp.id (not $git.githubApp.secretName) }}{{ fail "git.githubApp.id needs git.githubApp.secretName, which holds the private key" }}{{ end }}
{{- if and $git.httpsUsername (not $git.httpsSecretName) }}{{ fail "git.httpsUsername needs git.httpsSecretName" }}{{ end }}
{{- if and $git.secret.enabled (not .Values.gpgKeys.secretName) }}{{ fail "git.secret.enabled needs gpgKeys.secretName, which holds the private key" }}{{ end }}
{{- if and $git.signingKey (not .Values.gpgKeys.secretName) }}{{ fail "git.signingKey needs gpgKeys.secretName, which holds the private key" }}{{ end }}
{{- if and .Values.registry.acr.enabled (not .Values.registry.acr.secretName) }}{{ fail "registry.acr.enabled needs registry.acr.secretName: a Secret with azure.json, which a node lets nobody but root read; leave both out where the pod has an identity" }}{{ end }}
{{- if and .Values.registry.dockercfg.enabled (not .Values.registry.dockercfg.secretName) }}{{ fail "registry.dockercfg.enabled needs registry.dockercfg.secretName" }}{{ end }}
{{- if not (has "v3" (splitList "," (include "capstan.commas" .Values.helm.versions))) }}{{ fail "helm.versions must include v3, the only one that is run" }}{{ end }}
{{- if and .Values.tenants.enabled (.Values.initPlugins).enable }}{{ fail "initPlugins.enable and tenants.enabled contradict each other: a URL of a tenant would start a program with the rights of Capstan" }}{{ end }}
{{- if and $scaling.by (not .Values.roles.split) }}{{ fail "roles.worker.autoscaling needs roles.split=true" }}{{ end }}
{{- if and (eq $scaling.by "keda") (not $scaling.prometheusAddress) }}{{ fail "roles.worker.autoscaling.by=keda needs roles.worker.autoscaling.prometheusAddress" }}{{ end }}
{{- end }}
