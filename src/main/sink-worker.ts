import { readFileSync } from 'node:fs'
import { createEgress } from '../adapters/egress/index.ts'
import type { Processor } from '../adapters/queue/index.ts'
import { createDeliver, type OpenSink } from '../adapters/sinks/index.ts'
import { AppError } from '../domain/error.ts'
import type { SecretText, Sink } from '../domain/event/sink.ts'
import { deliverEvent } from '../jobs/deliver-event/index.ts'
import { startSinks } from '../jobs/notify-sinks.ts'
import type { Redactor } from '../lib/redactor.ts'
import { urlSecrets } from '../lib/url-secrets.ts'
import { untilDone } from './bootstrap.ts'
import { processRequests } from './requests.ts'
import { ensureSecrets } from './secrets.ts'
import type { Ending } from './stop.ts'
import type { Parts } from './wire.ts'

/** The job that delivers to the sinks; also starts them. Operators name them, so they may lie in the cluster (ruling 15). */
export function sinkWork(parts: Parts, ending: Pick<Ending, 'last' | 'signal'>): { run: Processor; slots: number } {
  const { config, store, queue, sinks, redactor, environment, log } = parts
  const egress = createEgress({ environment })
  ending.last(() => egress.close())
  const deps = {
    sinks,
    store,
    deliver: createDeliver({ egress }),
    open: (sink: Sink) => openSink(sink, redactor),
    requests: processRequests(parts, ensureSecrets(config).tokenFile),
    enqueue: queue.enqueue,
    log: log.child({ component: 'events' }),
    now: () => new Date(),
  }
  const start = async () => await startSinks({ sinks, namespace: config.namespace, enqueue: queue.enqueue }, store)
  untilDone('the state of the sinks', start, log, ending.signal).catch(() => undefined)
  return { run: (payload, { signal }) => deliverEvent(payload, deps, signal), slots: 4 }
}

/** Reads the secrets of a sink; they may be changed at any time. */
function openSink(sink: Sink, redactor: Redactor): OpenSink {
  const { name, type, repository, template } = sink
  const read = (secret: SecretText | undefined): string => (secret ? readSecret(secret, name) : '')
  const [url, token, secret, ca] = [sink.url, sink.token, sink.secret, sink.ca].map(read) as [
    string,
    string,
    string,
    string,
  ]
  if (!URL.canParse(url)) throw new AppError('SinkRefused', `the URL of sink ${name} is none`)
  const isSecretUrl = type === 'slack' || type === 'teams' || type === 'discord'
  redactor.register([token, secret, ...urlSecrets(url), ...(isSecretUrl ? [url, new URL(url).pathname] : [])])
  return { name, type, repository, template, url, token, secret, ca }
}

function readSecret(secret: SecretText, name: string): string {
  if ('value' in secret) return secret.value
  try {
    return readFileSync(secret.file, 'utf8').trim()
  } catch (error) {
    throw new AppError('SinkRefused', `a file of sink ${name} cannot be read: ${secret.file}`, { cause: error })
  }
}
