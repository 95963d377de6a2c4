import type { KubeObject } from '../../src/domain/manifest/object.ts'

type Body = Record<string, unknown>

/** What fluxd had applied from git, by a short name: one of nearly everything that such a repository holds. */
export function gitObjects(space: string): Record<string, KubeObject> {
  const group = `${space}.example.com`
  const thing = (apiVersion: string, kind: string, name: string, body: Body = {}): KubeObject => ({
    apiVersion,
    kind,
    ...body,
    metadata: { name, namespace: space, ...(body.metadata as Body | undefined) },
  })
  const cluster = (apiVersion: string, kind: string, name: string, body: Body = {}): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name },
    ...body,
  })
  const policy = (value: string) => ({
    metadata: { annotations: { 'fluxcd.io/ignore': value } },
    data: { from: 'git' },
  })
  const subjects = [{ kind: 'ServiceAccount', name: 'web', namespace: space }]
  return {
    namespace: cluster('v1', 'Namespace', space),
    definition: cluster('apiextensions.k8s.io/v1', 'CustomResourceDefinition', `widgets.${group}`, {
      spec: widgetSpec(group),
    }),
    reader: cluster('rbac.authorization.k8s.io/v1', 'ClusterRole', `${space}-reader`, {
      rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list'] }],
    }),
    widget: thing(`${group}/v1`, 'Widget', 'small', { spec: { size: 1, colours: ['red', 'green'] } }),
    web: deployment(space),
    api: {
      ...deployment(space, 'api'),
      spec: { ...(deployment(space, 'api').spec as Body), replicas: 0 },
    },
    service: thing('v1', 'Service', 'web', {
      spec: {
        selector: { app: 'web' },
        ports: [
          { name: 'http', port: 80, targetPort: 8080 },
          { name: 'admin', port: 81 },
        ],
      },
    }),
    settings: thing('v1', 'ConfigMap', 'settings', { data: { mode: 'fast', colour: 'green' } }),
    password: thing('v1', 'Secret', 'password', { type: 'Opaque', stringData: { user: 'jane', password: 'geheim' } }),
    account: thing('v1', 'ServiceAccount', 'web'),
    role: thing('rbac.authorization.k8s.io/v1', 'Role', 'web', {
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }],
    }),
    binding: thing('rbac.authorization.k8s.io/v1', 'RoleBinding', 'web', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'web' },
      subjects,
    }),
    claim: thing('v1', 'PersistentVolumeClaim', 'data', {
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    }),
    migration: thing('batch/v1', 'Job', 'migration', {
      spec: {
        suspend: true,
        template: {
          spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
        },
      },
    }),
    nightly: thing('batch/v1', 'CronJob', 'nightly', {
      spec: {
        schedule: '0 3 * * *',
        suspend: true,
        jobTemplate: {
          spec: {
            template: {
              spec: { restartPolicy: 'OnFailure', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
            },
          },
        },
      },
    }),
    scaler: thing('autoscaling/v1', 'HorizontalPodAutoscaler', 'later', {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'later' },
        minReplicas: 2,
        maxReplicas: 4,
        targetCPUUtilizationPercentage: 80,
      },
    }),
    ancient: thing('v1', 'ConfigMap', 'ancient', { data: { old: 'yes', new: 'yes' } }),
    homeless: thing('v1', 'ConfigMap', 'homeless', { data: { from: 'git' } }),
    seed: thing('v1', 'ConfigMap', 'seed', policy('sync_only')),
    byHand: thing('v1', 'ConfigMap', 'by-hand', { data: { from: 'git' } }),
    ignored: thing('v1', 'ConfigMap', 'ignored', policy('true')),
  }
}

/** A workload whose replica count git leaves to people. */
function deployment(namespace: string, name = 'web'): KubeObject {
  const env = [
    { name: 'COLOUR', value: 'green' },
    { name: 'OLD', value: 'yes' },
  ]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, annotations: { team: 'blue', note: 'from git' } },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'registry.example/web:1', env, ports: [{ containerPort: 8080 }] }] },
      },
    },
  }
}

function widgetSpec(group: string): Body {
  const properties = { size: { type: 'integer' }, colours: { type: 'array', items: { type: 'string' } } }
  const schema = { type: 'object', properties: { spec: { type: 'object', properties } } }
  return {
    group,
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
  }
}
