/** What is really there, so that requests are about something at least half of the time. */
export type Known = {
  source: { namespace: string; name: string }
  release: { namespace: string; name: string }
  job: string
  plan: string
  answer: string
  sink: string
}

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
  // a cursor is what the page before gave: any other text is refused before the rest of the query is looked at
  if (parameter.in === 'query' && parameter.name === 'cursor')
    return { ...parameter, schema: { anyOf: [{ const: '' }, parameter.schema] } }
  const value = parameter.in === 'path' ? valueOf(path, parameter.name, known) : undefined
  return value === undefined ? parameter : { ...parameter, schema: { anyOf: [{ const: value }, parameter.schema] } }
}

function valueOf(path: string, name: string, known: Known): string | undefined {
  const folder = path.split('/')[3] ?? ''
  if (folder === 'sources' || folder === 'releases') {
    const { namespace, name: own } = folder === 'sources' ? known.source : known.release
    return name === 'namespace' ? namespace : own
  }
  const things: Readonly<Record<string, string>> = {
    jobs: known.job,
    plans: known.plan,
    answers: known.answer,
    sinks: known.sink,
  }
  return name === 'source' ? known.source.name : things[folder]
}
