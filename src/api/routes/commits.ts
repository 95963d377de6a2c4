import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { notApplied } from '../../domain/source/applied.ts'
import type { AppOptions } from '../app-options.ts'
import { CommitOfSource } from '../contract/object-name.ts'
import { ref } from '../contract/ref.ts'
import { CommitApplied } from '../contract/status.ts'
import { problemAnswers } from '../openapi.ts'
import { problem, sendProblem } from '../problem.ts'

const tags = ['sources']

/** What became of single commits of a source. */
export const commitRoutes: FastifyPluginAsyncTypebox<Pick<AppOptions, 'views'>> = async (app, { views }) => {
  app.get(
    '/api/v1/sources/:namespace/:name/applied/:commit',
    {
      schema: {
        operationId: 'getCommitApplied',
        description: 'Whether a commit is applied, also one that was not the last to be pushed.',
        tags,
        params: CommitOfSource,
        response: { 200: ref(CommitApplied), ...problemAnswers },
      },
    },
    async ({ params: { namespace, name, commit } }, reply) => {
      const spec = views.sourceSpecs().find((one) => one.namespace === namespace && one.name === name)
      if (!spec) return sendProblem(reply, problem('NotFound', views.noSource(namespace, name)))
      const commits = await views.appliedCommits(spec)
      if (notApplied(commit, { commits, head: '', branch: '' }).length === 0)
        return { applied: true, reason: '', message: '' }
      const { reason = '', message = '' } = (await views.standing(namespace, name)) ?? {}
      return { applied: false, reason, message }
    },
  )
}
