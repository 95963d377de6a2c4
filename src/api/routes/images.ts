import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { pushedImages } from '../../domain/image/notification.ts'
import type { AppOptions } from '../app-options.ts'
import { JobsAccepted } from '../contract/job.ts'
import { RegistryNotification } from '../contract/notification.ts'
import { ref } from '../contract/ref.ts'
import { problemAnswers } from '../openapi.ts'
import { scanOf } from './registry-hooks.ts'

const bodyLimit = 1024 * 1024

/** Notifications of image registries. */
export const imageRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views' | 'enqueue'>> = async (
  app,
  { views, enqueue },
) => {
  // registries have a media type of their own
  app.addContentTypeParser(
    /^application\/([\w.-]+\+)?json/,
    { parseAs: 'string', bodyLimit },
    app.getDefaultJsonParser('error', 'error'),
  )

  app.post(
    '/api/v1/images/notify',
    {
      bodyLimit,
      schema: {
        operationId: 'notifyImages',
        description: "Takes docker-registry's notifications: the tags of each pushed repository are read now.",
        tags: ['images'],
        body: ref(RegistryNotification),
        response: { 202: ref(JobsAccepted), ...problemAnswers },
      },
    },
    async ({ body }, reply) => {
      const jobIds: string[] = []
      for (const image of views.does('images') ? pushedImages(body) : []) {
        const { jobId } = await enqueue(scanOf(image))
        jobIds.push(jobId)
      }
      return reply.code(202).send({ jobIds })
    },
  )
}
