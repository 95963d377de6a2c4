import type { FastifyPluginAsync } from 'fastify'
import type { Enqueue } from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'
import type { Views } from '../views/create-views.ts'

/** What people may do to a job; each says whether it could be done. Throws RedisUnavailable. */
export type QueueControl = {
  retry(jobId: string): Promise<boolean>
  cancel(jobId: string, who: string): Promise<boolean>
  promote(jobId: string): Promise<boolean>
}

/** The metrics in Prometheus' text format, with its media type. */
export type MetricsText = () => Promise<{ contentType: string; text: string }>

/** What the API is made of. */
export type AppOptions = {
  views: Views
  enqueue: Enqueue
  queue: QueueControl
  /** The token that every route wants but the open ones; read at each request, so that it may be changed. */
  token: () => string
  /** Signs push webhooks; read at each request. Empty: none is accepted. */
  webhookSecret: () => string
  /** Left out where metrics have a listener of their own. */
  metrics?: MetricsText
  /** The queue board, shown to this machine only. */
  board?: FastifyPluginAsync
  version: string
  log: Logger
  now: () => Date
  /** Told of each answer; `route` is the pattern, empty where none matched. */
  onAnswer?: (answer: { method: string; route: string; status: number; seconds: number }) => void
}
