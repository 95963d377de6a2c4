import { expect, it } from 'vitest'
import { reasons } from './reason.ts'
import { groups, troubleshootingDocument } from './troubleshooting.ts'

it('docs/troubleshooting.md says what the list of reasons says (mend: npm run test:unit -- -u src/domain/status)', async () => {
  await expect(troubleshootingDocument()).toMatchFileSnapshot('../../../docs/troubleshooting.md')
})

it('has each reason once', () => {
  expect(Object.values(groups).flat().toSorted()).toEqual(Object.keys(reasons).toSorted())
})
