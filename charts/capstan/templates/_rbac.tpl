{{/* A Role or, without a namespace, a ClusterRole, bound to one of our accounts. rules is YAML. */}}
{{- define "capstan.grant" -}}
{{- $kind := ternary "Role" "ClusterRole" (not (empty .namespace)) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "capstan.labels" .root | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
{{ include "capstan.bind" (dict "root" .root "name" .name "namespace" .namespace "role" .name "account" .account) }}
{{- end }}

{{- define "capstan.bind" -}}
{{- $kind := ternary "Role" "ClusterRole" (not (empty .namespace)) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "capstan.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .role }}
subjects:
  - kind: ServiceAccount
    name: {{ .account }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}

{{/* An applier of any manifest needs the right to everything. */}}
{{- define "capstan.rulesOfApplier" -}}
- apiGroups: ['*']
  resources: ['*']
  verbs: ['*']
{{- end }}

{{/* In our own namespace: records, Leases, what we tell about them, the deploy key. */}}
{{- define "capstan.rulesAtHome" -}}
- apiGroups: ['']
  resources: [configmaps]
  verbs: ['*']
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: ['*']
- apiGroups: ['']
  resources: [events]
  verbs: [create, patch]
{{- if not .Values.roles.split }}
# the label by which fluxctl finds the pod that leads
- apiGroups: ['']
  resources: [pods]
  verbs: [list, patch]
{{- end }}
# whether our namespace is there
- apiGroups: ['']
  resources: [namespaces]
  verbs: [get]
{{- if and (include "capstan.does" (dict "root" . "work" "sync")) .Values.git.url }}
# the deploy key, and the marker of --sync-state=secret
- apiGroups: ['']
  resources: [secrets]
  resourceNames: [{{ include "capstan.keySecret" . | default "flux-git-deploy" }}]
  verbs: [get, patch]
- apiGroups: ['']
  resources: [secrets]
  verbs: [create]
{{- end }}
{{- if include "capstan.does" (dict "root" . "work" "sync") }}
# Source objects without credentials; the Secrets beside us hold our own
- apiGroups: [capstan.dev]
  resources: [sources]
  verbs: [get, list, watch, patch]
- apiGroups: [capstan.dev]
  resources: [sources/status]
  verbs: [get, patch]
{{- end }}
{{- end }}

{{/* Where Source objects are: they themselves, their status and inventory, the Secrets with their credentials. */}}
{{- define "capstan.rulesOfSources" -}}
- apiGroups: [capstan.dev]
  resources: [sources]
  verbs: [get, list, watch]
- apiGroups: [capstan.dev]
  resources: [sources/status]
  verbs: [get, patch]
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: ['']
  resources: [events]
  verbs: [create, patch]
- apiGroups: ['']
  resources: [secrets]
  verbs: [get]
{{- if .Values.sources.impersonate }}
# spec.serviceAccountName
- apiGroups: ['']
  resources: [serviceaccounts]
  verbs: [impersonate]
{{- end }}
{{- end }}

{{/* To stop us and take our finalizer off before an uninstall. */}}
{{- define "capstan.rulesOfEject" -}}
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, patch]
{{- if not (include "capstan.does" (dict "root" . "work" "releases")) }}
- apiGroups: [helm.fluxcd.io]
  resources: [helmreleases]
  verbs: [list, patch]
{{- end }}
{{- if eq .Values.roles.worker.autoscaling.by "keda" }}
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [get, patch]
{{- end }}
{{- end }}

{{/* Split off, a controller only looks, says what is wrong with a Source, and holds its Lease. */}}
{{- define "capstan.rulesOfController" -}}
- apiGroups: [helm.fluxcd.io, capstan.dev]
  resources: [helmreleases, sources]
  verbs: [get, list, watch]
- apiGroups: [capstan.dev]
  resources: [sources/status]
  verbs: [get, patch]
# what HelmReleases take values from, by name, and what helm stored, metadata alone
- apiGroups: ['']
  resources: [configmaps, secrets]
  verbs: [get, list, watch]
{{- end }}

{{- define "capstan.rulesOfControllerEverywhere" -}}
{{ include "capstan.rulesOfController" . }}
# what a failed release may have waited for
- apiGroups: ['']
  resources: [namespaces]
  verbs: [get, list, watch]
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  verbs: [get, list, watch]
{{- end }}

{{/* Split off, the API only reads: releases, sources and their status, what helm stored (metadata alone), the health of workloads. */}}
{{- define "capstan.rulesOfApi" -}}
- apiGroups: [helm.fluxcd.io, capstan.dev]
  resources: [helmreleases, sources]
  verbs: [get, list, watch]
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get]
- apiGroups: ['']
  resources: [secrets]
  verbs: [list]
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets]
  verbs: [list]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list]
{{- end }}

{{/* In our own namespace, for both. */}}
{{- define "capstan.rulesOfLooking" -}}
- apiGroups: ['']
  resources: [namespaces]
  verbs: [get]
{{- if eq .component "controller" }}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: ['*']
{{- else }}
# the public half of the deploy key
- apiGroups: ['']
  resources: [secrets]
  resourceNames: [{{ include "capstan.keySecret" .root | default "flux-git-deploy" }}]
  verbs: [get]
{{- end }}
{{- end }}

{{/* To ask who calls the API, and what they may do. */}}
{{- define "capstan.rulesOfReviews" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}

{{/*
What people may do by the API (docs/security.md): names of rights, most of which no object has. Writing Source objects is not among them:
without an account of its own a Source is applied with our rights.
*/}}
{{- define "capstan.rulesOfViewers" -}}
- apiGroups: [capstan.dev]
  resources: [sources, workloads, releases, images, jobs, events, plans, sinks]
  verbs: [get, list, watch]
{{- end }}

{{- define "capstan.rulesOfEditors" -}}
- apiGroups: [capstan.dev]
  resources: [sources, releases, images, jobs, sinks]
  verbs: [sync]
- apiGroups: [capstan.dev]
  resources: [sources, releases]
  verbs: [suspend]
- apiGroups: [capstan.dev]
  resources: [releases]
  verbs: [rollback]
- apiGroups: [capstan.dev]
  resources: [workloads]
  verbs: [release, policy, lock]
- apiGroups: [capstan.dev]
  resources: [jobs]
  verbs: [cancel]
{{- end }}

{{/* Held deletions go, and the deploy key is made anew. */}}
{{- define "capstan.rulesOfAdmins" -}}
- apiGroups: [capstan.dev]
  resources: [sources]
  verbs: [approve]
{{- end }}

{{/* One of these; each becomes part of the cluster's own role of that name, which holds the ones before. */}}
{{- define "capstan.userRole" -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-%s-%s" .root.Release.Namespace (include "capstan.name" .root) .role }}
  labels:
    {{- include "capstan.labels" .root | nindent 4 }}
    {{- range .into }}
    rbac.authorization.k8s.io/aggregate-to-{{ . }}: "true"
    {{- end }}
rules:
  {{- range .rules }}
  {{- include . $ | nindent 2 }}
  {{- end }}
{{- end }}
