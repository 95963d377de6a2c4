import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { requestKey } from '../domain/work/request.ts'
import { createRequests, type Requests } from '../jobs/requests.ts'
import type { Parts } from './wire.ts'

/** Requests with arguments, signed with a key made from the API's token: api and worker must have the same (W1). */
export function processRequests({ store }: Pick<Parts, 'store'>, tokenFile: string): Requests {
  return createRequests({
    store,
    key: () => requestKey(readFileSync(tokenFile, 'utf8').trim()),
    newId: () => randomBytes(16).toString('hex'),
    now: () => new Date(),
  })
}
