import type { FastifyRequest } from 'fastify'
import { Asker } from './contract/job.ts'
import { ref } from './contract/ref.ts'

/** Body of a request by which somebody asks for work; leaving it out is as good as `{}`. */
export const askerBody = ref(Asker)

/** A preValidation hook for routes with {@link askerBody}. */
export async function mayLeaveOutBody(request: FastifyRequest): Promise<void> {
  if (request.body === undefined) request.body = {}
}

/** Who asks: as proved by the cluster, else as claimed. */
export function whoAsks({ by = '' }: Asker): string {
  return by.trim() || 'the API'
}
