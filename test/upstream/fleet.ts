/** A cluster's repository as the guides of fluxd have it: a workload with policies, its autoscaler, and releases of charts. */
export function fleet(space: string, registry: string): Record<string, string> {
  return {
    'namespaces/demo.yaml': `apiVersion: v1\nkind: Namespace\nmetadata: {labels: {name: ${space}}, name: ${space}}\n`,
    'workloads/podinfo-dep.yaml': podinfo(space, registry),
    'workloads/podinfo-hpa.yaml': autoscaler(space),
    'releases/ghost.yaml': release('ghost', space, {
      annotations: '    filter.fluxcd.io/chart-image: glob:3.1.1-debian-9-*\n',
      image: `${registry}/bitnami/ghost`,
      tag: '3.1.1-debian-9-r0',
    }),
    'releases/mongodb.yaml': release('mongodb', space, {
      annotations: '    fluxcd.io/ignore: "false"\n',
      image: 'bitnami/mongodb',
      tag: '4.0.13',
    }),
    'releases/redis.yaml': release('redis', space, {
      annotations: '    fluxcd.io/automated: "true"\n    fluxcd.io/locked: "true"\n',
      image: 'bitnami/redis',
      tag: '5.0.7',
    }),
  }
}

/** The same workload and autoscaler as a base, an overlay for production, and the commands that make manifests of them. */
export function production(space: string): Record<string, string> {
  const { 'namespaces/demo.yaml': demo = '', 'workloads/podinfo-hpa.yaml': hpa = '' } = fleet(space, 'registry.example')
  const patched = `apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: podinfo, namespace: ${space}}\n`
  return {
    '.flux.yaml': `version: 1
patchUpdated:
  generators:
  - command: kustomize build .
  patchFile: flux-patch.yaml
`,
    'base/kustomization.yaml': 'resources: [demo.yaml, podinfo-dep.yaml, podinfo-hpa.yaml]\n',
    'base/demo.yaml': demo,
    'base/podinfo-dep.yaml': podinfo(space, 'registry.example').replace('    fluxcd.io/automated: "true"\n', ''),
    'base/podinfo-hpa.yaml': hpa,
    'production/kustomization.yaml': 'bases: [../base/]\npatchesStrategicMerge: [replicas.yaml]\n',
    'production/replicas.yaml': `${patched}spec: {minReplicas: 2}\n`,
  }
}

function podinfo(space: string, registry: string): string {
  return `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: podinfo
  namespace: ${space}
  labels:
    app: podinfo
  annotations:
    fluxcd.io/automated: "true"
    fluxcd.io/tag.init: regex:^3.10.*
    fluxcd.io/tag.podinfod: semver:~3.1
spec:
  strategy:
    rollingUpdate:
      maxUnavailable: 0
  selector:
    matchLabels:
      app: podinfo
  template:
    metadata:
      labels:
        app: podinfo
    spec:
      initContainers:
      - name: init
        image: alpine:3.10.1
        command: ["sleep", "1"]
      containers:
      - name: podinfod
        image: ${registry}/stefanprodan/podinfo:3.1.0
        ports:
        - {name: http, containerPort: 9898}
`
}

function autoscaler(space: string): string {
  return `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: podinfo, namespace: ${space}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: podinfo}
  minReplicas: 1
  maxReplicas: 2
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}
`
}

function release(name: string, space: string, the: { annotations: string; image: string; tag: string }): string {
  return `---
apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata:
  name: ${name}
  namespace: ${space}
  annotations:
${the.annotations}spec:
  releaseName: ${name}
  chart:
    repository: https://charts.example/stable/
    name: ${name}
    version: 1.0.0
  values:
    image:
      repository: ${the.image}
      tag: ${the.tag}
`
}
