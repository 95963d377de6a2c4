import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { schemaReference } from './schema-reference.ts'

const definitions = ['source', 'helmrelease'].map((name) =>
  fileURLToPath(new URL(`../charts/capstan/crds/${name}.yaml`, import.meta.url)),
)

it('docs/reference.md says what the definitions say (mend: npm run test:unit -- -u bin)', async () => {
  await expect(schemaReference(definitions)).toMatchFileSnapshot('../docs/reference.md')
})

it('says of each field of a spec what it does', () => {
  const silent = schemaReference(definitions)
    .split('\n')
    .filter((line) => /^\| `.*\|  \|$/.test(line) && !line.includes('status'))
  expect(silent).toEqual([])
})
