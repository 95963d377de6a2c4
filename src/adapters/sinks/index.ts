import { AppError } from '../../domain/error.ts'
import type { StoredEvent } from '../../domain/event/event.ts'
import type { SinkType } from '../../domain/event/sink.ts'
import type { Egress, EgressResponse } from '../../lib/egress.ts'
import { alertMessage } from './alertmanager.ts'
import { githubMessage, gitlabMessage, lacksCommit } from './commit-status.ts'
import { discordMessage } from './discord.ts'
import type { Message, OpenSink } from './message.ts'
import { slackMessage } from './slack.ts'
import { teamsMessage } from './teams.ts'
import { upstreamMessage } from './upstream.ts'
import { webhookMessage } from './webhook.ts'

export type { OpenSink } from './message.ts'

/**
 * Sends one event to one sink; false for an event that means nothing to it. Throws SinkUnreachable, or SinkRefused, which is never tried
 * again where it was this very event that was refused.
 */
export type Deliver = (event: StoredEvent, sink: OpenSink, signal: AbortSignal) => Promise<boolean>

const messages: Readonly<Record<SinkType, (event: StoredEvent, sink: OpenSink) => Message | undefined>> = {
  webhook: webhookMessage,
  slack: slackMessage,
  teams: teamsMessage,
  discord: discordMessage,
  alertmanager: alertMessage,
  github: githubMessage,
  gitlab: gitlabMessage,
  upstream: upstreamMessage,
}

const timeoutMs = 10_000
const maxBytes = 64 * 1024
/** It was this event that was not liked; others may be. */
const refusals = new Set([400, 409, 413, 422])

export function createDeliver({ egress }: { egress: Egress }): Deliver {
  return async (event, sink, signal) => {
    const message = messages[sink.type](event, sink)
    if (!message) return false
    const tls = sink.ca === '' ? {} : { tls: { ca: sink.ca } }
    const answer = await send(egress, { ...message, ...tls, maxBytes, timeoutMs, signal }, sink)
    if (answer.status >= 200 && answer.status < 300) return true
    throw refused(answer, sink)
  }
}

async function send(egress: Egress, request: Parameters<Egress>[0], { name }: OpenSink): Promise<EgressResponse> {
  try {
    return await egress(request)
  } catch (error) {
    request.signal?.throwIfAborted()
    const why = error instanceof Error ? error.message : ''
    throw new AppError('SinkUnreachable', `sink ${name} is not reached: ${why}`, { cause: error })
  }
}

/** Says nothing of the answer but its status: it may repeat what was sent. */
function refused(answer: EgressResponse, { name, type }: OpenSink): AppError {
  const { status, headers } = answer
  const message = `sink ${name} answered ${status}`
  const isForeign = (type === 'github' || type === 'gitlab') && lacksCommit(answer)
  if (refusals.has(status) || isForeign) return new AppError('SinkRefused', message, { retry: 'never' })
  const seconds = Number(headers['retry-after'])
  const retry = Number.isFinite(seconds) && seconds > 0 ? { afterMs: Math.min(seconds, 3600) * 1000 } : 'backoff'
  return new AppError(status >= 500 || status === 429 ? 'SinkUnreachable' : 'SinkRefused', message, { retry })
}
