{{/* The flags of `capstan run` of one component, each a text of its own. */}}
{{- define "capstan.args" -}}
{{- $root := .root }}
{{- with $root }}
{{- $args := list
  (printf "--namespace=%s" .Release.Namespace)
  (printf "--enable=%s" (include "capstan.commas" .Values.enable))
  "--listen=:3030"
  "--state-dir=/var/lib/capstan"
  "--token-file=/etc/capstan/api/token"
  "--webhook-secret-file=/etc/capstan/api/webhook-secret"
  (printf "--api-auth=%s" (include "capstan.apiAuth" .))
  (printf "--log-format=%s" .Values.logFormat)
  (printf "--log-level=%s" .Values.logLevel)
  (printf "--shutdown-grace=%s" .Values.shutdownGrace)
}}
{{- if eq $.component (include "capstan.apiComponent" .) }}{{ $args = append $args (printf "--drain-time=%s" .Values.drainTime) }}{{ end }}
{{- if .Values.api.tlsSecretName }}{{ $args = concat $args (list "--tls-cert-file=/etc/capstan/tls/tls.crt" "--tls-key-file=/etc/capstan/tls/tls.key") }}{{ end }}
{{- if .Values.compat.openRefresh }}{{ $args = append $args "--open-refresh" }}{{ end }}
{{- if .Values.roles.split }}{{ $args = append $args (printf "--roles=%s" $.component) }}{{ end }}
{{- $installs := and .Values.installCrds .Values.clusterRole.create (has $.component (list "all" "worker")) }}
{{- $args = append $args (printf "--install-crds=%t" $installs) }}
{{- with .Values.redis.prefix }}{{ $args = append $args (printf "--redis-prefix=%s" .) }}{{ end }}
{{- if .Values.git.url }}{{ $args = concat $args (include "capstan.gitArgs" . | fromJsonArray) }}{{ end }}
{{- $args = concat $args (include "capstan.sshArgs" . | fromJsonArray) }}
{{- $args = concat $args (list (printf "--git-timeout=%s" .Values.git.timeout) (printf "--git-poll-interval=%s" .Values.git.pollInterval)) }}
{{- $args = concat $args (include "capstan.fileArgs" . | fromJsonArray) }}
{{- if include "capstan.does" (dict "root" . "work" "images") }}{{ $args = concat $args (include "capstan.registryArgs" . | fromJsonArray) }}{{ end }}
{{- if include "capstan.does" (dict "root" . "work" "releases") }}{{ $args = concat $args (include "capstan.releaseArgs" . | fromJsonArray) }}{{ end }}
{{- with include "capstan.allowedNamespaces" . }}{{ $args = append $args (printf "--k8s-allow-namespace=%s" .) }}{{ end }}
{{- if include "capstan.does" (dict "root" . "work" "sync") }}
{{- with include "capstan.sourceNamespaces" . }}{{ $args = append $args (printf "--source-namespaces=%s" .) }}{{ end }}
{{- if .Values.tenants.enabled }}{{ $args = append $args "--tenants" }}{{ end }}
{{- with .Values.sources.defaultServiceAccount }}{{ $args = append $args (printf "--default-service-account=%s" .) }}{{ end }}
{{- end }}
{{- if include "capstan.gitConfigSecret" . }}{{ $args = append $args "--git-config-file=/etc/capstan/git-config/gitconfig" }}{{ end }}
{{- if .Values.git.netrcSecretName }}{{ $args = append $args "--git-netrc-file=/etc/capstan/netrc/.netrc" }}{{ end }}
{{- if .Values.git.ssh.configMapName }}{{ $args = append $args (printf "--git-ssh-config-file=/etc/capstan/ssh-config/%s" .Values.git.ssh.configMapKey) }}
{{- else if .Values.ssh.config }}{{ $args = append $args "--git-ssh-config-file=/etc/capstan/ssh/config" }}{{ end }}
{{- if .Values.events.sinksSecretName }}{{ $args = append $args "--sinks-file=/etc/capstan/sinks/sinks.yaml" }}{{ end }}
{{- range $index, $arg := concat $args .Values.additionalArgs }}
{{- if $index }}{{ "\n" }}{{ end }}- {{ $arg | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The repository of the flags. */}}
{{- define "capstan.gitArgs" -}}
{{- $git := .Values.git }}
{{- $gc := .Values.syncGarbageCollection }}
{{- $args := list
  (printf "--git-url=%s" $git.url)
  (printf "--git-branch=%s" $git.branch)
  (printf "--sync-interval=%s" (.Values.sync.interval | default $git.pollInterval))
  (printf "--sync-timeout=%s" (.Values.sync.timeout | default "1m"))
  (printf "--sync-state=%s" .Values.sync.state)
}}
{{- $namespace := .Values.defaultNamespace | default (ternary "default" .Release.Namespace (include "capstan.isClusterWide" . | eq "true")) }}
{{- $args = append $args (printf "--k8s-default-namespace=%s" $namespace) }}
{{- with include "capstan.commas" $git.path }}{{ $args = append $args (printf "--git-path=%s" .) }}{{ end }}
{{- with $git.label }}{{ $args = append $args (printf "--git-label=%s" .) }}{{ end }}
{{- if $git.readonly }}{{ $args = append $args "--git-readonly" }}
{{- else }}
{{- $args = concat $args (list (printf "--git-user=%s" $git.user) (printf "--git-email=%s" $git.email)) }}
{{- if $git.setAuthor }}{{ $args = append $args "--git-set-author" }}{{ end }}
{{- if $git.ciSkip }}{{ $args = append $args "--git-ci-skip" }}{{ end }}
{{- with $git.ciSkipMessage }}{{ $args = append $args (printf "--git-ci-skip-message=%s" .) }}{{ end }}
{{- with $git.signingKey }}{{ $args = append $args (printf "--git-signing-key=%s" .) }}{{ end }}
{{- end }}
{{- if $git.verifySignaturesMode }}{{ $args = append $args (printf "--git-verify-signatures-mode=%s" $git.verifySignaturesMode) }}
{{- else if $git.verifySignatures }}{{ $args = append $args "--git-verify-signatures-mode=all" }}{{ end }}
{{- if include "capstan.isHttpGit" . }}
{{- if $git.httpsSecretName }}{{ $args = append $args "--git-https-token-file=/etc/capstan/git/token" }}{{ end }}
{{- with $git.githubApp }}{{ if .secretName }}{{ $args = concat $args (list (printf "--git-github-app-id=%s" (include "capstan.number" .id)) (printf "--git-github-app-installation-id=%s" (include "capstan.number" .installationId)) "--git-github-app-key-file=/etc/capstan/github-app/githubAppPrivateKey") }}
{{- with .url }}{{ $args = append $args (printf "--git-github-app-url=%s" .) }}{{ end }}{{ end }}{{ end }}
{{- with $git.httpsUsername }}{{ $args = append $args (printf "--git-https-username=%s" .) }}{{ end }}
{{- else }}
{{- with include "capstan.keySecret" . }}{{ $args = append $args (printf "--k8s-secret-name=%s" .) }}{{ end }}
{{- with .Values.ssh.keygen.format }}{{ $args = append $args (printf "--ssh-keygen-format=%s" .) }}{{ end }}
{{- end }}
{{- if include "capstan.does" (dict "root" . "work" "sync") }}
{{- /* dry goes before enabled, as in fluxd's chart */}}
{{- if $gc.dry }}{{ $args = append $args "--sync-garbage-collection-dry" }}
{{- else if $gc.enabled }}{{ $args = append $args "--sync-garbage-collection" }}{{ end }}
{{- end }}
{{- toJson $args }}
{{- end }}

{{/* The key and the host keys: of charts in git too, whatever git.url is. */}}
{{- define "capstan.sshArgs" -}}
{{- $args := list }}
{{- with .Values.git.secretDataKey }}{{ $args = append $args (printf "--k8s-secret-data-key=%s" .) }}{{ end }}
{{- if include "capstan.knownHosts" . }}{{ $args = append $args "--git-ssh-known-hosts-file=/etc/capstan/ssh/known_hosts" }}{{ end }}
{{- toJson $args }}
{{- end }}

{{/* How files of repositories are read; for Source objects too. */}}
{{- define "capstan.fileArgs" -}}
{{- $args := list }}
{{- if .Values.manifestGeneration }}{{ $args = append $args "--manifest-generation" }}{{ end }}
{{- if .Values.kustomize }}{{ $args = append $args "--kustomize" }}{{ end }}
{{- if .Values.sops.enabled }}{{ $args = append $args "--sops" }}{{ end }}
{{- if .Values.git.secret.enabled }}{{ $args = append $args "--git-secret" }}{{ end }}
{{- $keys := list }}
{{- if .Values.gpgKeys.secretName }}{{ $keys = append $keys "/etc/capstan/gpg/private" }}{{ end }}
{{- if .Values.gpgKeys.configMapName }}{{ $keys = append $keys "/etc/capstan/gpg/public" }}{{ end }}
{{- with $keys }}{{ $args = append $args (printf "--git-gpg-key-import=%s" (join "," .)) }}{{ end }}
{{- toJson $args }}
{{- end }}

{{- define "capstan.registryArgs" -}}
{{- $registry := .Values.registry }}
{{- $args := list (printf "--automation-interval=%s" $registry.automationInterval) }}
{{- /* what people ask for goes on without scans */}}
{{- if $registry.disableScanning }}{{ $args = append $args "--registry-disable-scanning" }}{{ end }}
{{- with $registry.rps }}{{ $args = append $args (printf "--registry-rps=%d" (int .)) }}{{ end }}
{{- with $registry.burst }}{{ $args = append $args (printf "--registry-burst=%d" (int .)) }}{{ end }}
{{- if $registry.trace }}{{ $args = append $args "--registry-trace" }}{{ end }}
{{- with include "capstan.commas" $registry.insecureHosts }}{{ $args = append $args (printf "--registry-insecure-host=%s" .) }}{{ end }}
{{- with include "capstan.commas" $registry.excludeImage }}{{ $args = append $args (printf "--registry-exclude-image=%s" .) }}{{ end }}
{{- with include "capstan.commas" $registry.includeImage }}{{ $args = append $args (printf "--registry-include-image=%s" .) }}{{ end }}
{{- with include "capstan.commas" $registry.useTimestampLabels }}{{ $args = append $args (printf "--registry-use-labels=%s" .) }}{{ end }}
{{- if $registry.ecr.require }}{{ $args = append $args "--registry-require=ecr" }}{{ end }}
{{- with include "capstan.commas" $registry.ecr.region }}{{ $args = append $args (printf "--registry-ecr-region=%s" .) }}{{ end }}
{{- with include "capstan.commas" $registry.ecr.includeId }}{{ $args = append $args (printf "--registry-ecr-include-id=%s" .) }}{{ end }}
{{- with include "capstan.commas" $registry.ecr.excludeId }}{{ $args = append $args (printf "--registry-ecr-exclude-id=%s" .) }}{{ end }}
{{- if $registry.dockercfg.enabled }}{{ $args = append $args (printf "--docker-config=%s" $registry.dockercfg.configFileName) }}{{ end }}
{{- toJson $args }}
{{- end }}

{{- define "capstan.releaseArgs" -}}
{{- $args := list
  (printf "--charts-sync-interval=%s" .Values.chartsSyncInterval)
  (printf "--workers=%d" (int .Values.workers))
  (printf "--update-chart-deps=%t" .Values.updateChartDeps)
  (printf "--git-default-ref=%s" (.Values.git.defaultRef | default "master"))
}}
{{- if .Values.logReleaseDiffs }}{{ $args = append $args "--log-release-diffs" }}{{ end }}
{{- if .Values.configureRepositories.enable }}{{ $args = append $args "--helm-repository-import=v3:/etc/capstan/helm/repositories.yaml" }}{{ end }}
{{- if include "capstan.plugins" . }}{{ $args = append $args "--helm-plugins-dir=/var/lib/helm-plugins/plugins" }}{{ end }}
{{- with include "capstan.releaseNamespace" . }}{{ $args = append $args (printf "--allow-namespace=%s" .) }}{{ end }}
{{- toJson $args }}
{{- end }}
