import { Readable } from 'node:stream'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { AppOptions, QueueControl } from '../app-options.ts'
import { Job, JobChanged, JobList, JobLog, JobQuery, QueueChanged, QueueCounts } from '../contract/job.ts'
import { jobKindNames } from '../contract/job-names.ts'
import { mostRows } from '../contract/list.ts'
import { ref } from '../contract/ref.ts'
import { jobPage } from '../job-page.ts'
import { followJob } from '../job-stream.ts'
import { problemAnswers } from '../openapi.ts'
import { goesOn } from '../orderly-end.ts'
import { problem, sendProblem } from '../problem.ts'
import { askerBody, mayLeaveOutBody, whoAsks } from '../who-asks.ts'

const QueueName = Type.Object({ kind: Type.Enum([...jobKindNames]) })
const LogQuery = Type.Object({
  from: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      description: 'The first line that is wanted; 0 is the first of all.',
    }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: mostRows, default: 500 })),
})
const JobName = Type.Object({ id: Type.String({ maxLength: 500 }) })
const tags = ['jobs']
/** People who look on at the same time. */
const mostFollowers = 100

const changes = ['retry', 'cancel', 'promote'] as const
type Change = (typeof changes)[number]

const queueDescriptions = {
  pause: 'No process takes jobs of this kind until it is resumed; what runs goes on.',
  resume: 'Jobs of this kind are taken again.',
}

const descriptions: Record<Change, string> = {
  retry: 'A job that waits runs next; one that ended is asked for again as a new job.',
  cancel: 'Removes a job that waits, with the request that it would have answered, or stops one that runs.',
  promote: 'A job that waits or is delayed runs next.',
}

/** The queue: what waits, runs and ended, and what people may do to it. */
export const jobRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views' | 'queue'>> = async (
  app,
  { views, queue },
) => {
  app.get(
    '/api/v1/queues',
    { schema: { operationId: 'countJobs', tags, response: { 200: ref(QueueCounts), ...problemAnswers } } },
    async () => {
      const [queues, lines] = await Promise.all([views.counts(), views.lines()])
      return { queues, ...lines }
    },
  )

  app.get(
    '/api/v1/jobs',
    {
      schema: {
        operationId: 'listJobs',
        description: 'What runs, then what comes next, then what ended, newest first.',
        tags,
        querystring: JobQuery,
        response: { 200: ref(JobList), ...problemAnswers },
      },
    },
    async ({ query }) => await jobPage(query, views),
  )

  app.get(
    '/api/v1/jobs/:id',
    { schema: { operationId: 'getJob', tags, params: JobName, response: { 200: ref(Job), ...problemAnswers } } },
    async ({ params: { id } }, reply) => (await views.job(id)) ?? sendProblem(reply, unknownJob(id)),
  )

  addLog(app, views)
  addStream(app, views)
  addPauses(app, queue)

  for (const change of changes) {
    app.post(
      `/api/v1/jobs/:id/${change}`,
      {
        schema: {
          operationId: `${change}Job`,
          description: descriptions[change],
          tags,
          params: JobName,
          body: askerBody,
          response: { 202: ref(JobChanged), ...problemAnswers },
        },
        preValidation: mayLeaveOutBody,
      },
      async ({ params: { id }, body }, reply) => {
        if (await perform(queue, change, { id, who: whoAsks(body) })) return reply.code(202).send({ jobId: id })
        const job = await views.job(id)
        if (!job) return sendProblem(reply, unknownJob(id))
        return sendProblem(reply, problem('NotPossible', `A job that is ${job.state} cannot be ${pastOf[change]}.`))
      },
    )
  }
}

type App = Parameters<typeof jobRoutes>[0]

function addLog(app: App, views: AppOptions['views']): void {
  app.get(
    '/api/v1/jobs/:id/log',
    {
      schema: {
        operationId: 'getJobLog',
        description: 'What was written while a job ran, from a line on.',
        tags,
        params: JobName,
        querystring: LogQuery,
        response: { 200: ref(JobLog), ...problemAnswers },
      },
    },
    async ({ params: { id }, query: { from = 0, limit = 500 } }, reply) => {
      const log = await views.jobLog(id, { from, limit })
      if (!log) return sendProblem(reply, unknownJob(id))
      return { lines: log.lines, next: from + log.lines.length }
    },
  )
}

function addStream(app: App, views: AppOptions['views']): void {
  let followers = 0
  app.get(
    '/api/v1/jobs/:id/stream',
    {
      schema: {
        operationId: 'streamJob',
        description: 'A job as server-sent events: at once, then whenever it has changed; ends with the job.',
        tags,
        params: JobName,
        response: {
          200: { description: 'Jobs.', content: { 'text/event-stream': { schema: Type.String() } } },
          ...problemAnswers,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (followers >= mostFollowers) return sendProblem(reply, problem('TooManyRequests'))
      if (!(await views.job(id))) return sendProblem(reply, unknownJob(id))
      const stream = Readable.from(followJob(goesOn(request, reply), async () => await views.job(id)))
      followers++
      stream.once('close', () => followers--)
      return reply.type('text/event-stream').header('cache-control', 'no-store').send(stream)
    },
  )
}

function addPauses(app: App, queue: QueueControl): void {
  for (const verb of ['pause', 'resume'] as const) {
    app.post(
      `/api/v1/queues/:kind/${verb}`,
      {
        schema: {
          operationId: `${verb}Queue`,
          description: queueDescriptions[verb],
          tags,
          params: QueueName,
          body: askerBody,
          response: { 200: ref(QueueChanged), ...problemAnswers },
        },
        preValidation: mayLeaveOutBody,
      },
      async ({ params: { kind } }) => {
        await queue[verb](kind)
        return { kind, paused: verb === 'pause' }
      },
    )
  }
}

const pastOf: Record<Change, string> = { retry: 'tried again', cancel: 'cancelled', promote: 'promoted' }

async function perform(
  queue: QueueControl,
  change: Change,
  { id, who }: { id: string; who: string },
): Promise<boolean> {
  return change === 'cancel' ? await queue.cancel(id, who) : await queue[change](id)
}

function unknownJob(id: string) {
  return problem('NotFound', `There is no job ${id} (any more).`)
}
