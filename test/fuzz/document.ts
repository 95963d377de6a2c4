/** What is really there, so that requests are about something at least half of the time. */
export type Known = { namespace: string; source: string; release: string; job: string; sink: string }

type Parameter = { name: string; in: string; schema: object }
type Operation = { parameters?: Parameter[] }
export type OpenApi = { paths: Record<string, Record<string, Operation>> }

/** The document with the names of what is there among those that a parameter may have. */
export function withKnown(document: OpenApi, known: Known): OpenApi {
  const paths = Object.entries(document.paths).map(([path, operations]) => {
    const changed = Object.entries(operations).map(([method, operation]) => {
      const parameters = operation.parameters?.map((parameter) => knowing(path, parameter, known))
      return [method, parameters ? { ...operation, parameters } : operation] as const
    })
    return [path, Object.fromEntries(changed)] as const
  })
  return { ...document, paths: Object.fromEntries(paths) }
}

function knowing(path: string, parameter: Parameter, known: Known): Parameter {
  const value = parameter.in === 'path' ? valueOf(path, parameter.name, known) : undefined
  return value === undefined ? parameter : { ...parameter, schema: { anyOf: [{ const: value }, parameter.schema] } }
}

function valueOf(path: string, name: string, known: Known): string | undefined {
  if (name === 'namespace') return known.namespace
  if (name === 'source') return known.source
  if (path.includes('/jobs/')) return known.job
  if (path.includes('/sinks/')) return known.sink
  if (name !== 'name') return undefined
  return path.includes('/releases/') ? known.release : known.source
}
