import { afterEach, describe, expect, it } from 'vitest'
import { authorized, createWorkbench } from './workbench.ts'

/** The most that one page may hold (hazard L9). */
const mostRows = 500

type Schema = {
  type?: string
  maximum?: number
  items?: Schema
  properties?: Record<string, Schema>
  anyOf?: Schema[]
  $ref?: string
}
type Operation = {
  parameters?: { name: string; in: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

const apps: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

async function open() {
  const { app } = createWorkbench()
  apps.push(app)
  await app.ready()
  const { paths, components } = app.swagger() as unknown as {
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, Schema> }
  }
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  )
  return { app, operations, schemas: components.schemas }
}

/** Every number that a caller may give, by where it stands. */
function numbersIn(where: string, schema: Schema, schemas: Record<string, Schema>): [string, Schema][] {
  const named = schema.$ref === undefined ? schema : (schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {})
  if (named.type === 'integer' || named.type === 'number') return [[where, named]]
  const inside = [
    ...Object.entries(named.properties ?? {}),
    ...[named.items ?? []].flat().map((one) => ['[]', one] as const),
    ...(named.anyOf ?? []).map((one) => ['', one] as const),
  ]
  return inside.flatMap(([name, one]) => numbersIn(`${where} ${name}`, one, schemas))
}

describe('what a caller may ask for (hazard L9)', () => {
  it('is a number within bounds, wherever a number is asked for', async () => {
    const { operations, schemas } = await open()
    const numbers = operations.flatMap(({ path, method, operation }) => [
      ...(operation.parameters ?? []).flatMap(({ name, schema }) =>
        numbersIn(`${method} ${path} ${name}`, schema, schemas),
      ),
      ...Object.values(operation.requestBody?.content ?? {}).flatMap(({ schema }) =>
        numbersIn(`${method} ${path} body`, schema, schemas),
      ),
    ])
    expect(numbers.length).toBeGreaterThan(10)
    expect(numbers.filter(([, { maximum }]) => maximum === undefined).map(([where]) => where)).toEqual([])
  })

  it('is a page of at most 500 rows, of every list', async () => {
    const { app, operations } = await open()
    const lists = operations.filter(({ operation }) => operation.parameters?.some(({ name }) => name === 'limit'))
    expect(lists.length).toBeGreaterThanOrEqual(9)
    for (const { path } of lists) {
      const url = path.replaceAll(/\{\w+\}/g, 'x')
      const status = async (limit: number) =>
        (await app.inject({ url: `${url}?limit=${limit}`, headers: authorized })).statusCode
      expect([url, await status(mostRows + 1)]).toEqual([url, 400])
      expect([url, (await status(mostRows)) === 400]).toEqual([url, false])
    }
  })

  it.each(['1e30', '9007199254740993', '-1', '0.5', 'null', ''])('is no log of a job from line %j on', async (from) => {
    const { app } = await open()
    const answer = await app.inject({ url: `/api/v1/jobs/sync-source.1/log?from=${from}`, headers: authorized })
    expect([answer.statusCode, answer.json<{ reason: string }>().reason]).toEqual([400, 'InvalidRequest'])
  })
})
