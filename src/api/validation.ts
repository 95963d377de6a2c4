import AjvCompiler from '@fastify/ajv-compiler'
import type { FastifyServerOptions } from 'fastify'

type Controller = NonNullable<FastifyServerOptions['schemaController']>
type Compile = (route: { httpPart?: string }) => (data: unknown) => unknown
type Options = { customOptions?: object } | undefined

const build = AjvCompiler() as unknown as (schemas: unknown, options: Options) => Compile

/** Texts of a URL are turned into what the schema wants; a body of JSON has types of its own and must have the right ones. */
export const schemaController = {
  compilersFactory: {
    buildValidator(schemas: unknown, options: Options): Compile {
      const loose = build(schemas, options)
      const strict = build(schemas, { ...options, customOptions: { ...options?.customOptions, coerceTypes: false } })
      return (route) => (route.httpPart === 'body' ? strict : loose)(route)
    },
  },
} as unknown as Controller
