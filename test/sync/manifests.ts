/** A ConfigMap with one value; `more` are lines of its metadata. */
export function configMap(name: string, value: string, more = ''): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${more}data:\n  key: "${value}"\n`
}

/** A Deployment; `more` are lines of its metadata. */
export function deployment(name: string, replicas: number, more = ''): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
${more}spec:
  replicas: ${replicas}
  selector:
    matchLabels: {app: ${name}}
  template:
    metadata:
      labels: {app: ${name}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1
`
}
