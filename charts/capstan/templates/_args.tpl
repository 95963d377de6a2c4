{{/* The flags of `capstan run`, each a text of its own. */}}
{{- define "capstan.args" -}}
{{- $git := .Values.git }}
{{- $gc := .Values.syncGarbageCollection }}
{{- $registry := .Values.registry }}
{{- $args := list
  (printf "--namespace=%s" .Release.Namespace)
  (printf "--enable=%s" (include "capstan.commas" .Values.enable))
  "--listen=:3030"
  "--state-dir=/var/lib/capstan"
  "--token-file=/etc/capstan/api/token"
  "--webhook-secret-file=/etc/capstan/api/webhook-secret"
  (printf "--install-crds=%t" (and .Values.installCrds .Values.clusterRole.create))
  (printf "--log-format=%s" .Values.logFormat)
  (printf "--log-level=%s" .Values.logLevel)
  (printf "--shutdown-grace=%s" .Values.shutdownGrace)
}}
{{- if $git.url }}
{{- $args = concat $args (list
  (printf "--git-url=%s" $git.url)
  (printf "--git-branch=%s" $git.branch)
  (printf "--git-poll-interval=%s" $git.pollInterval)
  (printf "--sync-interval=%s" .Values.sync.interval)
  (printf "--sync-timeout=%s" .Values.sync.timeout)
  (printf "--sync-state=%s" .Values.sync.state)
) }}
{{- with include "capstan.commas" $git.path }}{{ $args = append $args (printf "--git-path=%s" .) }}{{ end }}
{{- if $git.readonly }}
{{- $args = append $args "--git-readonly" }}
{{- else }}
{{- $args = concat $args (list (printf "--git-user=%s" $git.user) (printf "--git-email=%s" $git.email)) }}
{{- if $git.ciSkip }}{{ $args = append $args "--git-ci-skip" }}{{ end }}
{{- with $git.ciSkipMessage }}{{ $args = append $args (printf "--git-ci-skip-message=%s" .) }}{{ end }}
{{- end }}
{{- if $git.knownHosts }}{{ $args = append $args "--git-ssh-known-hosts-file=/etc/capstan/ssh/known_hosts" }}{{ end }}
{{- if $git.httpsSecretName }}{{ $args = append $args "--git-https-token-file=/etc/capstan/git/token" }}{{ end }}
{{- with $git.httpsUsername }}{{ $args = append $args (printf "--git-https-username=%s" .) }}{{ end }}
{{- if and (has "sync" .Values.enable) $gc.enabled }}{{ $args = append $args "--sync-garbage-collection" }}{{ end }}
{{- if $gc.dry }}{{ $args = append $args "--sync-garbage-collection-dry" }}{{ end }}
{{- end }}
{{- $args = append $args (printf "--git-timeout=%s" $git.timeout) }}
{{- if has "images" .Values.enable }}
{{- if $registry.disableScanning }}
{{- $args = without $args (printf "--enable=%s" (include "capstan.commas" .Values.enable)) }}
{{- $args = append $args (printf "--enable=%s" (join "," (without .Values.enable "images"))) }}
{{- else }}
{{- $args = append $args (printf "--automation-interval=%s" $registry.automationInterval) }}
{{- with include "capstan.commas" $registry.insecureHosts }}{{ $args = append $args (printf "--registry-insecure-host=%s" .) }}{{ end }}
{{- with include "capstan.commas" $registry.excludeImage }}{{ $args = append $args (printf "--registry-exclude-image=%s" .) }}{{ end }}
{{- with include "capstan.commas" $registry.includeImage }}{{ $args = append $args (printf "--registry-include-image=%s" .) }}{{ end }}
{{- end }}
{{- end }}
{{- if has "releases" .Values.enable }}
{{- $args = concat $args (list
  (printf "--charts-sync-interval=%s" .Values.chartsSyncInterval)
  (printf "--workers=%d" (int .Values.workers))
  (printf "--update-chart-deps=%t" .Values.updateChartDeps)
  (printf "--git-default-ref=%s" $git.defaultRef)
) }}
{{- with .Values.allowNamespace }}{{ $args = append $args (printf "--allow-namespace=%s" .) }}{{ end }}
{{- end }}
{{- with include "capstan.commas" .Values.allowedNamespaces }}{{ $args = append $args (printf "--k8s-allow-namespace=%s" .) }}{{ end }}
{{- if has "sync" .Values.enable }}
{{- with include "capstan.sourceNamespaces" . }}{{ $args = append $args (printf "--source-namespaces=%s" .) }}{{ end }}
{{- with .Values.sources.defaultServiceAccount }}{{ $args = append $args (printf "--default-service-account=%s" .) }}{{ end }}
{{- end }}
{{- range $index, $arg := concat $args .Values.additionalArgs }}
{{- if $index }}{{ "\n" }}{{ end }}- {{ $arg | quote }}
{{- end }}
{{- end }}

{{/* Where Source objects are looked for; with rights in some namespaces only, there. */}}
{{- define "capstan.sourceNamespaces" -}}
{{- $given := splitList "," (include "capstan.commas" .Values.sources.namespaces) }}
{{- $allowed := splitList "," (include "capstan.commas" .Values.allowedNamespaces) }}
{{- if .Values.clusterRole.create }}{{ join "," (compact $given | uniq) }}
{{- else }}{{ join "," (concat (list .Release.Namespace) $given $allowed | compact | uniq) }}{{ end }}
{{- end }}

{{/* What jobs are given, and half a minute for helm and git to end after that. */}}
{{- define "capstan.graceSeconds" -}}
{{- $grace := toString .Values.shutdownGrace }}
{{- if regexMatch "^[0-9]+s$" $grace }}{{ add (trimSuffix "s" $grace | int) 30 }}
{{- else if regexMatch "^[0-9]+m$" $grace }}{{ add (mul (trimSuffix "m" $grace | int) 60) 30 }}
{{- else }}{{ fail (printf "shutdownGrace must be in whole seconds or minutes, as 600s or 10m: %q" $grace) }}{{ end }}
{{- end }}
