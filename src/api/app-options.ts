import type { FastifyPluginAsync } from 'fastify'
import type { Reviews } from './access/caller.ts'
import type { Overview } from './contract/overview.ts'
import type { Identity } from './contract/process.ts'
import type { Enqueue, JobKind } from '../domain/work/job.ts'
import type { Requests } from '../jobs/requests.ts'
import type { Logger } from '../lib/logger.ts'
import type { Views } from '../views/create-views.ts'
import type { LinkStore } from './browser-sessions.ts'
import type { DeliveryStore } from './deliveries.ts'

/** What people may do to a job; each says whether it could be done. Throws RedisUnavailable. */
export type QueueControl = {
  retry(jobId: string): Promise<boolean>
  cancel(jobId: string, who: string): Promise<boolean>
  promote(jobId: string): Promise<boolean>
  pause(kind: JobKind): Promise<boolean>
  resume(kind: JobKind): Promise<boolean>
}

/** The metrics in Prometheus' text format, with its media type. */
export type MetricsText = () => Promise<{ contentType: string; text: string }>

/** The public half of the deploy key, or a sentence for why there is none. */
export type ReadIdentity = () => Promise<Identity | { none: string }>

/** The page at `/`; `now` in Unix milliseconds. */
export type FrontPage = {
  render: (overview: Overview, now: number) => string
  /** For a browser that may not look. */
  renderClosed: () => string
  /** For a browser that is let in now. */
  renderEntered: () => string
  /** Scripts and style sheets by their file names. */
  assets: Readonly<Record<string, string>>
}

/** What the API is made of. */
export type AppOptions = {
  views: Views
  enqueue: Enqueue
  /** Requests with arguments, and the plans that answer them. */
  requests: Pick<Requests, 'put' | 'find' | 'plan' | 'answer'>
  queue: QueueControl
  /** The token that may do everything, on every route but the open ones; read at each request, so that it may be changed. */
  token: () => string
  /** The cluster's word on whose tokens are taken and what they may do. Left out: the one token is all there is. `home`: our own namespace. */
  access?: Reviews & { home: string }
  /** Calls of one caller, and what an address may try with wrong tokens; the usual ones where left out. */
  limits?: Partial<Record<'calls' | 'mistakes', { perSecond: number; burst: number }>>
  /** Refreshes alone need no token, at most 12 a minute of all who bring none (ruling 3). */
  openRefresh?: boolean
  /** Signs push webhooks; read at each request. Empty: none is accepted. */
  webhookSecret: () => string
  /** Remembers webhook deliveries for all replicas; without it each process remembers its own. */
  deliveries?: DeliveryStore
  /** Left out where metrics have a listener of their own. */
  metrics?: MetricsText
  /** Remembers links for browsers for all replicas; without it each process remembers its own. */
  links?: LinkStore
  /** The queue board. */
  board?: FastifyPluginAsync
  /** The page at `/`, shown to whom the board is shown. */
  frontPage?: FrontPage
  version: string
  /** Whether no more requests are wanted, though they are answered: who asked is to go elsewhere. Default never. */
  isEnding?: () => boolean
  log: Logger
  now: () => Date
  /** Left out where there is no deploy key. */
  identity?: ReadIdentity
  /** Makes a new deploy key in the place of the old one; left out where this process may not. */
  renewIdentity?: ReadIdentity
  /** Told of each answer; `route` is the pattern, empty where none matched. */
  onAnswer?: (answer: { method: string; route: string; status: number; seconds: number }) => void
}
