/** The repository of the figures: per app a Deployment with 0 replicas, a ServiceAccount, a Service and an Ingress. */
export type BenchRepository = { files: Map<string, string>; objects: number }

/** `apps` apps over `namespaces` namespaces; one file per app and one per namespace. `prefix` keeps runs apart. */
export function benchRepository(prefix: string, apps: number, namespaces: number): BenchRepository {
  const files = new Map<string, string>()
  for (let n = 0; n < namespaces; n++) {
    files.set(`namespaces/${prefix}-${n}.yaml`, `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${prefix}-${n}\n`)
  }
  for (let a = 0; a < apps; a++)
    files.set(`apps/${prefix}-${a % namespaces}/app-${a}.yaml`, app(`app-${a}`, `${prefix}-${a % namespaces}`))
  return { files, objects: namespaces + 4 * apps }
}

function app(name: string, namespace: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: ${namespace}
  labels:
    app: ${name}
spec:
  replicas: 0
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      serviceAccountName: ${name}
      containers:
        - name: web
          image: registry.example/${name}:1.0.0
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: LOG_LEVEL
              value: info
          resources:
            requests:
              cpu: 50m
              memory: 64Mi
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: ${name}
  namespace: ${namespace}
---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  selector:
    app: ${name}
  ports:
    - name: http
      port: 80
      targetPort: http
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  rules:
    - host: ${name}.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: ${name}
                port:
                  name: http
`
}
