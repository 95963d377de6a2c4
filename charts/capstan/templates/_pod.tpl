{{/* The pod of one component. */}}
{{- define "capstan.pod" -}}
{{- $component := .component }}
{{- $resources := .resources }}
{{- with .root }}
metadata:
  labels:
    {{- include "capstan.componentSelector" (dict "root" . "component" $component) | nindent 4 }}
    {{- if and (eq $component (include "capstan.apiComponent" .)) (eq (int $.replicas) 1) }}
    # by which an unmodified fluxctl finds the one pod that answers it, unless a fluxd is there
    name: fluxd
    {{- end }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # other settings of ours in these: a new pod reads them
    checksum/config: {{ include (print .Template.BasePath "/config.yaml") . | sha256sum }}
    {{- if .Values.prometheus.enabled }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "3030"
    {{- if .Values.api.tlsSecretName }}
    prometheus.io/scheme: https
    {{- end }}
    {{- end }}
    {{- with merge (deepCopy .Values.podAnnotations) .Values.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "capstan.componentAccount" (dict "root" . "component" $component) }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds | default (include "capstan.graceSeconds" .) }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- include "capstan.pullSecrets" . | nindent 2 }}
  securityContext:
    {{- include "capstan.podSecurity" . | nindent 4 }}
  {{- $plugins := ternary (include "capstan.plugins" .) "" (has $component (list "all" "worker")) }}
  {{- if or .Values.initContainers $plugins }}
  initContainers:
    {{- with .Values.initContainers }}
    {{- if kindIs "slice" . }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    {{- range $name, $container := . }}
    - name: {{ $name }}
      {{- toYaml $container | nindent 6 }}
    {{- end }}
    {{- end }}
    {{- end }}
    {{- with $plugins }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    - name: capstan
      image: {{ include "capstan.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      securityContext:
        {{- include "capstan.containerSecurity" . | nindent 8 }}
      args:
        - run
        {{- include "capstan.args" (dict "root" . "component" $component) | nindent 8 }}
      env:
        - name: CAPSTAN_REDIS_URL
          valueFrom:
            secretKeyRef:
              name: {{ include "capstan.redisSecret" . }}
              key: url
        - name: HOME
          value: /var/lib/capstan
        {{- if .Values.redis.caSecretName }}
        - name: NODE_EXTRA_CA_CERTS
          value: /etc/capstan/redis-ca/ca.crt
        {{- end }}
        {{- with .Values.extraEnvs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if or .Values.env.secretName .Values.extraEnvsFrom }}
      envFrom:
        {{- with .Values.extraEnvsFrom }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- with .Values.env.secretName }}
        - secretRef:
            name: {{ . }}
        {{- end }}
      {{- end }}
      ports:
        - name: http
          containerPort: 3030
      # the first answer comes at once; what it still waits for is the readiness'
      startupProbe:
        {{- dict "httpGet" (include "capstan.probe" (dict "root" . "path" "/healthz") | fromJson) | toYaml | nindent 8 }}
        periodSeconds: 2
        failureThreshold: 30
      livenessProbe:
        {{- merge (deepCopy .Values.livenessProbe) (dict "httpGet" (include "capstan.probe" (dict "root" . "path" "/healthz") | fromJson) "periodSeconds" 20 "timeoutSeconds" 5) | toYaml | nindent 8 }}
      readinessProbe:
        {{- merge (deepCopy .Values.readinessProbe) (dict "httpGet" (include "capstan.probe" (dict "root" . "path" "/readyz") | fromJson) "periodSeconds" 5 "timeoutSeconds" 5) | toYaml | nindent 8 }}
      resources:
        {{- $resources | default .Values.resources | toYaml | nindent 8 }}
      volumeMounts:
        {{- include "capstan.mounts" . | nindent 8 }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .Values.sidecarContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "capstan.volumes" . | nindent 4 }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.dnsPolicy }}
  dnsPolicy: {{ . }}
  {{- end }}
  {{- with .Values.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- include "capstan.placement" . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the kubelet asks; it takes any certificate. */}}
{{- define "capstan.probe" -}}
{{- $get := dict "path" .path "port" "http" -}}
{{- if .root.Values.api.tlsSecretName }}{{ $_ := set $get "scheme" "HTTPS" }}{{ end -}}
{{- toJson $get -}}
{{- end }}

{{/* Where a pod may run; Redis' too. */}}
{{- define "capstan.placement" -}}
nodeSelector:
  {{- merge (deepCopy .Values.nodeSelector) (dict "kubernetes.io/os" "linux") | toYaml | nindent 2 }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Files that are mounted: name, path, Secret or ConfigMap, in one list for both halves. */}}
{{- define "capstan.files" -}}
{{- $git := .Values.git }}
{{- $files := list (dict "name" "api" "path" "/etc/capstan/api" "secret" (include "capstan.apiSecret" .)) }}
{{- with .Values.api.tlsSecretName }}{{ $files = append $files (dict "name" "tls" "path" "/etc/capstan/tls" "secret" .) }}{{ end }}
{{- with include "capstan.keySecret" . }}{{ $files = append $files (dict "name" "git-key" "path" "/etc/fluxd/ssh" "secret" .) }}{{ end }}
{{- if or (include "capstan.knownHosts" .) .Values.ssh.config }}{{ $files = append $files (dict "name" "known-hosts" "path" "/etc/capstan/ssh" "configMap" (printf "%s-known-hosts" (include "capstan.name" .))) }}{{ end }}
{{- with $git.ssh.configMapName }}{{ $files = append $files (dict "name" "ssh-config" "path" "/etc/capstan/ssh-config" "configMap" .) }}{{ end }}
{{- with include "capstan.gitConfigSecret" . }}{{ $files = append $files (dict "name" "git-config" "path" "/etc/capstan/git-config" "secret" .) }}{{ end }}
{{- with $git.netrcSecretName }}{{ $files = append $files (dict "name" "netrc" "path" "/etc/capstan/netrc" "secret" .) }}{{ end }}
{{- with $git.httpsSecretName }}{{ $files = append $files (dict "name" "git-token" "path" "/etc/capstan/git" "secret" .) }}{{ end }}
{{- with $git.githubApp.secretName }}{{ $files = append $files (dict "name" "github-app" "path" "/etc/capstan/github-app" "secret" .) }}{{ end }}
{{- with .Values.gpgKeys.secretName }}{{ $files = append $files (dict "name" "gpg-keys" "path" "/etc/capstan/gpg/private" "secret" .) }}{{ end }}
{{- with .Values.gpgKeys.configMapName }}{{ $files = append $files (dict "name" "gpg-public-keys" "path" "/etc/capstan/gpg/public" "configMap" .) }}{{ end }}
{{- if .Values.registry.acr.enabled }}{{ $files = append $files (dict "name" "azure" "path" "/etc/kubernetes" "secret" .Values.registry.acr.secretName) }}{{ end }}
{{- if .Values.registry.dockercfg.enabled }}{{ $files = append $files (dict "name" "docker-credentials" "path" "/dockercfg" "secret" .Values.registry.dockercfg.secretName) }}{{ end }}
{{- if .Values.configureRepositories.enable }}{{ $files = append $files (dict "name" "helm-repositories" "path" "/etc/capstan/helm" "secret" .Values.configureRepositories.secretName) }}{{ end }}
{{- with .Values.events.sinksSecretName }}{{ $files = append $files (dict "name" "sinks" "path" "/etc/capstan/sinks" "secret" .) }}{{ end }}
{{- with .Values.redis.caSecretName }}{{ $files = append $files (dict "name" "redis-ca" "path" "/etc/capstan/redis-ca" "secret" .) }}{{ end }}
{{- toJson $files }}
{{- end }}

{{/* What installs the plugins of helm, one container each, in order; empty where there are none. */}}
{{- define "capstan.plugins" -}}
{{- $root := . }}
{{- if and (.Values.initPlugins).enable (include "capstan.does" (dict "root" . "work" "releases")) }}
{{- range $at, $one := .Values.initPlugins.plugins }}
{{- if ne ($one.helmVersion | default "v3") "v2" }}
- name: {{ printf "helm-plugin-init-%02d" $at }}
  image: {{ include "capstan.image" $root | quote }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  securityContext:
    {{- include "capstan.containerSecurity" $root | nindent 4 }}
  # once: helm refuses what is installed, and a pod may run this again
  command: [sh, -ec, 'test -e "$HOME/$1" || { helm plugin install "$2" ${3:+--version "$3"} && touch "$HOME/$1"; }']
  args: [sh, {{ printf "installed-%02d" $at }}, {{ $one.plugin | quote }}, {{ $one.version | default "" | toString | quote }}]
  env:
    - name: HOME
      value: /var/lib/helm-plugins
    - name: HELM_PLUGINS
      value: /var/lib/helm-plugins/plugins
    - name: HELM_CACHE_HOME
      value: /var/lib/helm-plugins/cache
    {{- with $root.Values.extraEnvs }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  resources:
    {{- toYaml $root.Values.resources | nindent 4 }}
  volumeMounts:
    - name: helm-plugins
      mountPath: /var/lib/helm-plugins
    - name: tmp
      mountPath: /tmp
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "capstan.mounts" -}}
- name: state
  mountPath: /var/lib/capstan
- name: tmp
  mountPath: /tmp
{{- if include "capstan.plugins" . }}
- name: helm-plugins
  mountPath: /var/lib/helm-plugins
  readOnly: true
{{- end }}
{{- range include "capstan.files" . | fromJsonArray }}
- name: {{ .name }}
  mountPath: {{ .path }}
  readOnly: true
{{- end }}
{{- end }}

{{- define "capstan.volumes" -}}
- name: state
  emptyDir:
    sizeLimit: {{ .Values.cacheSizeLimit }}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.cacheSizeLimit }}
{{- if include "capstan.plugins" . }}
- name: helm-plugins
  emptyDir:
    sizeLimit: {{ .Values.cacheSizeLimit }}
{{- end }}
{{- range include "capstan.files" . | fromJsonArray }}
- name: {{ .name }}
  {{- if .secret }}
  # 0400: the group of the pod may read it, nobody else
  secret:
    secretName: {{ .secret }}
    defaultMode: 256
  {{- else }}
  configMap:
    name: {{ .configMap }}
  {{- end }}
{{- end }}
{{- end }}
