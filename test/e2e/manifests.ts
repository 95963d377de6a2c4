/** Small manifests for tests. */
export function namespace(name: string): string {
  return `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${name}\n`
}

export function configMap(name: string, space: string, value: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: ${space}\ndata:\n  key: "${value}"\n`
}

export function deployment(
  name: string,
  space: string,
  options: { replicas: number; image?: string; annotations?: string } = { replicas: 0 },
): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: ${space}
${options.annotations ? `  annotations:\n${options.annotations}` : ''}spec:
  replicas: ${options.replicas} # changed by hand
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      containers:
        - name: web
          image: ${options.image ?? 'registry.example/web:1.0.0'} # kept by Capstan
`
}
