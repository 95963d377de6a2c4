import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { parsePolicy, type PolicyText } from '../../domain/image/policy.ts'
import { problemOfChange } from '../../domain/image/policy-change.ts'
import { isTag } from '../../domain/image/ref.ts'
import { targetOf } from '../../domain/image/release.ts'
import { traceTags } from '../../domain/image/trace.ts'
import type { RequestAsk } from '../../domain/work/request.ts'
import { allLatest, allWorkloads, type PolicyChange, type UpdateSpec } from '../../domain/work/update-spec.ts'
import type { AppOptions } from '../app-options.ts'
import { type Asked, askForSource } from '../ask-for.ts'
import {
  AnswerAccepted,
  ImageAnswer,
  ImagePolicyTest,
  ImagesRequest,
  PolicyRequest,
  PolicyTest,
  PolicyVerdict,
  ReleaseRequest,
} from '../contract/image.ts'
import { ObjectName } from '../contract/object-name.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'
import { problem, sendProblem } from '../problem.ts'
import { mayLeaveOutBody, whoAsks } from '../who-asks.ts'

const AnswerName = Type.Object({ id: Type.String({ maxLength: 64 }) })
const tags = ['images']
/** Of tags that are given to be tried. */
const bodyLimit = 2 * 1024 * 1024

type Options = Pick<AppOptions, 'views' | 'enqueue' | 'requests' | 'now'>

/** Releases, policies and why which tags are chosen: asked for as requests with arguments (W1). */
export const updateRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  app.post(
    '/api/v1/sources/:namespace/:name/release',
    {
      schema: askSchema(
        'releaseImages',
        'Releases images: one commit, or none where nothing is to be done.',
        ref(ReleaseRequest),
      ),
    },
    async ({ params, body }, reply) => {
      const update = releaseOf(body)
      const read = update.type === 'image' ? targetOf(update.spec) : {}
      if ('problem' in read) return await sendProblem(reply, problem('InvalidRequest', read.problem))
      return await accept({ of: params, by: whoAsks(body), ask: { kind: 'update-images', update } }, options, reply)
    },
  )

  app.post(
    '/api/v1/sources/:namespace/:name/policies',
    { schema: askSchema('changePolicies', 'Changes policies of workloads in git.', ref(PolicyRequest)) },
    async ({ params, body }, reply) => {
      const spec = policiesOf(body)
      const wrong = Object.values(spec).map(problemOfChange).find(Boolean)
      if (wrong) return await sendProblem(reply, problem('InvalidRequest', wrong))
      const update: UpdateSpec = { type: 'policy', cause: causeOf(body), spec }
      return await accept({ of: params, by: whoAsks(body), ask: { kind: 'update-images', update } }, options, reply)
    },
  )

  app.post(
    '/api/v1/sources/:namespace/:name/images',
    {
      schema: askSchema('listImages', 'Asks why which tags are chosen.', ref(ImagesRequest)),
      preValidation: mayLeaveOutBody,
    },
    async ({ params, body }, reply) => {
      const list = { workload: body.workload ?? '', all: body.all ?? false }
      return await accept({ of: params, by: whoAsks(body), ask: { kind: 'update-images', list } }, options, reply)
    },
  )
}

/** Policies that are only tried, and the answers to all of these requests. */
export const answerRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  app.post(
    '/api/v1/sources/:namespace/:name/policy-tests',
    { schema: askSchema('testPolicyOnImage', 'Tries a policy on the tags of an image.', ref(ImagePolicyTest)) },
    async ({ params, body }, reply) => {
      const policy = rulesOf(body)
      const read = parsePolicy(policy)
      if ('problem' in read) return await sendProblem(reply, problem('InvalidRequest', read.problem))
      const ask: RequestAsk = { kind: 'update-images', test: { policy, image: body.image } }
      return await accept({ of: params, by: whoAsks(body), ask }, options, reply)
    },
  )

  app.get(
    '/api/v1/answers/:id',
    {
      schema: {
        operationId: 'getAnswer',
        tags,
        params: AnswerName,
        response: { 200: ref(ImageAnswer), ...problemAnswers },
      },
    },
    async ({ params: { id } }, reply) => {
      const answer = await options.requests.answer(id)
      if (!answer) return await sendProblem(reply, problem('NotFound', `There is no answer ${id} (any more).`))
      const images = answer.images.map((workload) => ({
        ...workload,
        containers: workload.containers.map((container) => ({ ...container, tags: container.tags.map(printVerdict) })),
      }))
      return { ...answer, images }
    },
  )

  app.post(
    '/api/v1/policy-tests',
    {
      bodyLimit,
      schema: {
        operationId: 'testPolicy',
        description: 'Tries a policy on tags that are given; reads nothing else.',
        tags,
        body: ref(PolicyTest),
        response: { 200: ref(PolicyVerdict), ...problemAnswers },
      },
    },
    async ({ body }, reply) => {
      const read = parsePolicy(rulesOf(body))
      if ('problem' in read) return await sendProblem(reply, problem('InvalidRequest', read.problem))
      const now = options.now().getTime()
      const { choice, tags: verdicts } = traceTags(read.policy, { tag: body.current }, factsOf(body.tags, now), now)
      return { choice: choice.choice, why: choice.why, tags: verdicts.map(printVerdict) }
    },
  )
}

function askSchema<Body>(operationId: string, description: string, body: Body) {
  const response = { 202: ref(AnswerAccepted), ...problemAnswers }
  return {
    operationId,
    description: `${description} The answer is at /api/v1/answers/{id}.`,
    tags,
    params: ObjectName,
    body,
    response,
  }
}

async function accept(asked: Asked, options: Options, reply: FastifyReply): Promise<FastifyReply> {
  if (!options.views.does('updates'))
    return await sendProblem(reply, problem('NotFound', 'Images are switched off: see --enable.'))
  const made = await askForSource(asked, options)
  const { namespace, name } = asked.of
  if (!made) return await sendProblem(reply, problem('NotFound', options.views.noSource(namespace, name)))
  return await reply.code(202).send({ job: made.jobId, answer: made.id, requestedAt: made.at })
}

function causeOf({ message = '', by = '' }: { message?: string; by?: string }): UpdateSpec['cause'] {
  return { Message: message, User: by.trim() }
}

function releaseOf(body: ReleaseRequest): Exclude<UpdateSpec, { type: 'policy' }> {
  const { workloads, exclude = [], image, containers, force: Force = false, dryRun = false } = body
  const [cause, Kind] = [causeOf(body), dryRun ? 'plan' : 'execute'] as const
  if (!containers) {
    const spec = {
      ServiceSpecs: workloads ?? [allWorkloads],
      ImageSpec: image ?? allLatest,
      Kind,
      Excludes: exclude,
      Force,
    }
    return { type: 'image', cause, spec }
  }
  const rows = Object.entries(containers).map(([id, wanted]) => [
    id,
    wanted.map(({ container, current, target }) => ({
      Container: container,
      ...(current === undefined ? {} : { Current: current }),
      Target: target,
    })),
  ])
  return {
    type: 'containers',
    cause,
    spec: { Kind, ContainerSpecs: Object.fromEntries(rows), SkipMismatches: false, Force },
  }
}

function policiesOf({ workloads }: PolicyRequest): Record<string, PolicyChange> {
  const rows = Object.entries(workloads).map(([id, { add = {}, remove = [] }]) => [
    id,
    { add, remove: Object.fromEntries(remove.map((name) => [name, 'true'])) },
  ])
  return Object.fromEntries(rows) as Record<string, PolicyChange>
}

function rulesOf({
  policy,
  extract,
  deny,
  minAge,
}: Pick<PolicyTest, 'policy' | 'extract' | 'deny' | 'minAge'>): PolicyText {
  return {
    filter: policy,
    ...(extract === undefined ? {} : { extract }),
    ...(deny === undefined ? {} : { deny }),
    ...(minAge === undefined ? {} : { minAge }),
  }
}

/** Tags of unknown age count in the order in which they are given, the last as the newest. */
function factsOf(given: PolicyTest['tags'], now: number) {
  const valid = given.filter(({ tag }) => isTag(tag))
  const described = valid.map(({ tag, created }, index) => {
    const at = created === undefined ? index - given.length : Date.parse(created)
    return [tag, { digest: 'given', ...(Number.isFinite(at) ? { created: at } : {}), readAt: now, holdsMs: 0 }] as const
  })
  return { tags: valid.map(({ tag }) => tag), described: new Map(described) }
}

function printVerdict({ created, digest, ...verdict }: ReturnType<typeof traceTags>['tags'][number]) {
  const isKnown = created !== undefined && created > 0
  return {
    ...verdict,
    ...(digest?.includes(':') ? { digest } : {}),
    ...(isKnown ? { created: new Date(created).toISOString() } : {}),
  }
}
