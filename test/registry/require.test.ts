import { afterEach, describe, expect, it } from 'vitest'
import { createRun } from '../../src/adapters/process/index.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { requireRegistries } from '../../src/main/image-worker.ts'
import { type Reply, type StandIn, startStandIn } from './stand-in.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const run = createRun({ redact: (text) => text })
let server: StandIn | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

async function required(flags: string[], metadata: Reply): Promise<void> {
  server = await startStandIn(metadata)
  const loaded = loadConfig({ argv: flags, env: {} })
  if (!('config' in loaded)) throw new Error('these flags are wrong')
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url }
  await requireRegistries({ config: loaded.config, run, log: silent }, env, { nearMs: 60_000 })
}

const nobody: Reply = () => ({ status: 404 })
const machine: Reply = ({ path }) => ({ body: path.endsWith('/region') ? 'eu-west-1' : 'token' })

describe('--registry-require=ecr', () => {
  it('ends the start where nobody knows the region, and says what to do', async () => {
    await expect(required(['--registry-require=ecr'], nobody)).rejects.toMatchObject({
      reason: 'RegistryAuthFailed',
      retry: 'never',
      message:
        '--registry-require=ecr, and the region is not known: the metadata server of EC2 gives no token (404); give --registry-ecr-region',
    })
  })

  it.each([
    ['the machine knows its region', ['--registry-require=ecr'], machine],
    ['a region is given: nobody is asked', ['--registry-require=ecr', '--registry-ecr-region=eu-west-1'], nobody],
    ['it is not given', [], nobody],
  ])('goes on where %s', async (_, flags, reply) => {
    await required(flags, reply)
    expect(server?.seen.length).toBe(reply === machine ? 2 : 0)
  })
})
