// `npm run api:fuzz`: schemathesis over the OpenAPI document of a running Capstan, as four roles. Options: --examples N (of each operation,
// 20), --seconds N (for each role, 120), --seed N, --only none|reader|operator|admin, --operation REGEX.
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setup, teardown } from '../stack/setup.ts'
import { installSchemathesis, runSchemathesis } from './schemathesis.ts'
import { readRights, type Role, roles } from './rights-table.ts'
import { type FuzzWorld, startWorld } from './world.ts'

const { values } = parseArgs({
  options: {
    examples: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    only: { type: 'string', default: '' },
    operation: { type: 'string', default: '' },
  },
})
const wanted = roles.filter((role) => values.only === '' || values.only === role)
const program = await installSchemathesis((line) => console.log(line))
const folder = mkdtempSync(join(tmpdir(), 'capstan-fuzz-'))
await setup()
const failed: string[] = []
let world: FuzzWorld | undefined
try {
  world = await startWorld(folder)
  console.log(`seed ${values.seed}: ${wanted.join(', ')} against ${world.url}`)
  for (const role of wanted) failed.push(...(await fuzz(role, world)).map((trouble) => `${role}: ${trouble}`))
  failed.push(...world.troubles())
} finally {
  await world?.stop()
  await teardown()
  rmSync(folder, { recursive: true, force: true })
}
console.log(
  failed.length === 0 ? 'api:fuzz found nothing' : `api:fuzz failed: ${failed.join(', ')} (seed ${values.seed})`,
)
process.exitCode = failed.length === 0 ? 0 : 1

async function fuzz(role: Role, { url, document, tokenOf }: FuzzWorld): Promise<string[]> {
  console.log(`\n== ${role}`)
  const rights = join(folder, `${role}.json`)
  writeFileSync(rights, JSON.stringify(readRights(role)))
  const token = tokenOf(role)
  const args = [
    '--config-file',
    join(import.meta.dirname, 'schemathesis.toml'),
    'run',
    document,
    `--url=${url}`,
    `--seed=${values.seed}`,
    `--max-examples=${values.examples}`,
    `--max-time=${values.seconds}`,
    // streams have no end
    '--exclude-path-regex=/stream$',
    ...(values.operation === '' ? [] : ['--include-operation-id-regex', values.operation]),
    ...(token === '' ? [] : ['--header', `Authorization: Bearer ${token}`]),
    // strangers are told 401 whatever they do
    ...(role === 'none' ? ['--exclude-checks', 'unsupported_method'] : []),
    '--continue-on-failure',
    '--suppress-health-check=filter_too_much',
    '--no-color',
  ]
  const env = {
    SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'hooks.py'),
    CAPSTAN_FUZZ_ROLE: role,
    CAPSTAN_FUZZ_RIGHTS: rights,
    PYTHONDONTWRITEBYTECODE: '1',
  }
  return await runSchemathesis(program, args, { env, folder })
}
