import { createHmac } from 'node:crypto'
import type { StoredEvent } from '../../domain/event/event.ts'
import { type Message, type OpenSink, post } from './message.ts'

/** The event as it is, signed as our own webhooks are: `sha256=<HMAC of the body>`. */
export function webhookMessage(event: StoredEvent, { url, secret, token }: OpenSink): Message {
  const body = JSON.stringify(event)
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  return post(url, body, {
    'x-capstan-event': event.type,
    'x-capstan-delivery': event.id,
    'x-capstan-signature-256': `sha256=${signature}`,
    ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
  })
}
