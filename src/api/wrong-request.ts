/** What a validator of JSON Schema says of one fault. */
export type Fault = {
  keyword: string
  instancePath: string
  params: Readonly<Record<string, unknown>>
  message?: string
}

const partNames: Readonly<Record<string, string>> = {
  querystring: 'the query',
  params: 'the path',
  headers: 'the headers',
  body: 'the body',
}

/** A fault of a request as a sentence that names what is wrong and what would be taken; `part` is Fastify's word for where it is. */
export function faultText({ keyword, instancePath, params, message = 'is not valid' }: Fault, part: string): string {
  const where = partNames[part] ?? part
  const name = nameAt(instancePath)
  const what = name === '' ? where : `${name} in ${where}`
  switch (keyword) {
    case 'enum':
      return `${what} must be one of ${wordsOf(params.allowedValues)}.`
    case 'required':
      return `${what} must have ${String(params.missingProperty)}.`
    case 'additionalProperties':
      return `${what} must not have ${String(params.additionalProperty)}.`
    case 'minLength':
      return params.limit === 1 ? `${what} must not be empty.` : `${what} ${message}.`
    default:
      return `${what} ${message.replace('must NOT', 'must not')}.`
  }
}

/** `/type/0` → `type`, `/workloads/a~1b/add` → `workloads.a/b.add`. */
function nameAt(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .filter((part) => !/^\d+$/.test(part))
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.')
}

function wordsOf(values: unknown): string {
  return Array.isArray(values) ? values.map(String).join(', ') : 'others'
}
