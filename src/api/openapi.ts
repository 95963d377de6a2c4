import type { SwaggerOptions } from '@fastify/swagger'
import { BrowserLink } from './contract/browser-link.ts'
import { ExplainStep, Explanation, FirstCause } from './contract/explain.ts'
import {
  Accepted,
  Asker,
  Job,
  JobChanged,
  JobLog,
  QueueChanged,
  JobList,
  JobsAccepted,
  QueueCounts,
} from './contract/job.ts'
import {
  AnswerAccepted,
  ImageAnswer,
  ImagePolicyTest,
  ImagesRequest,
  PolicyRequest,
  PolicyTest,
  PolicyVerdict,
  ReleaseRequest,
  TagVerdict,
} from './contract/image.ts'
import {
  Deployment,
  DeploymentList,
  Event,
  EventList,
  EventSource,
  ReplayRequest,
  Sink,
  SinkList,
} from './contract/event.ts'
import { RegistryNotification } from './contract/notification.ts'
import {
  ApproveRequest,
  Plan,
  PlanAccepted,
  PlanChange,
  PlanHold,
  PlanRequest,
  PlanValue,
  SuspendRequest,
} from './contract/plan.ts'
import { LaneDepth, Overview, StuckThing } from './contract/overview.ts'
import { Problem } from './contract/problem.ts'
import { Identity, Readiness, Version } from './contract/process.ts'
import { ReleaseHistory, ReleasePlanRequest, ReleaseRevision, RollbackRequest } from './contract/release.ts'
import {
  CommitApplied,
  Drift,
  Failure,
  Marker,
  Release,
  ReleaseList,
  Source,
  SourceList,
  Status,
  Suspension,
  Unhealthy,
} from './contract/status.ts'

import {
  OwnedObject,
  OwnedObjectList,
  Workload,
  WorkloadImages,
  WorkloadImagesList,
  WorkloadList,
} from './contract/workload.ts'

/** Schemas that routes name; the OpenAPI document keeps their names. */
export const sharedSchemas = [
  Accepted,
  AnswerAccepted,
  ApproveRequest,
  Asker,
  BrowserLink,
  CommitApplied,
  Deployment,
  DeploymentList,
  Event,
  EventList,
  EventSource,
  ExplainStep,
  Explanation,
  Failure,
  FirstCause,
  Identity,
  ImageAnswer,
  ImagePolicyTest,
  ImagesRequest,
  Job,
  JobChanged,
  JobLog,
  QueueChanged,
  JobList,
  JobsAccepted,
  LaneDepth,
  Overview,
  OwnedObject,
  OwnedObjectList,
  Plan,
  PlanAccepted,
  PlanChange,
  PlanHold,
  PlanRequest,
  PolicyRequest,
  PolicyTest,
  PolicyVerdict,
  PlanValue,
  Problem,
  QueueCounts,
  Readiness,
  RegistryNotification,
  Release,
  ReleaseHistory,
  ReleaseList,
  ReleaseRequest,
  ReleasePlanRequest,
  ReleaseRevision,
  ReplayRequest,
  RollbackRequest,
  Sink,
  SinkList,
  Source,
  SourceList,
  Status,
  StuckThing,
  SuspendRequest,
  TagVerdict,
  Unhealthy,
  Drift,
  Suspension,
  Marker,
  Version,
  Workload,
  WorkloadImages,
  WorkloadImagesList,
  WorkloadList,
]

/** Answers that every route may give besides its own. */
export const problemAnswers = {
  '4xx': {
    description: 'The request cannot be answered.',
    content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
  },
  '5xx': {
    description: 'Something behind the API does not work.',
    content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
  },
}

/** The OpenAPI document is made from the schemas that check requests and answers. */
export function openApi(version: string): SwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Capstan',
        version,
        description: 'Sources, releases and the jobs that keep a cluster equal to git.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    // a body of people's requests may be left out, which the generator cannot know
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      const { openapiObject } = document
      for (const path of Object.values(openapiObject.paths ?? {})) {
        const body = path?.post?.requestBody
        if (
          body &&
          'content' in body &&
          /\/(?:Asker|ImagesRequest|PlanRequest|ReleasePlanRequest|RollbackRequest|SuspendRequest)"/.test(
            JSON.stringify(body),
          )
        )
          body.required = false
      }
      return openapiObject
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `def-${index}`,
    },
  }
}
