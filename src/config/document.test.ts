import { describe, expect, it } from 'vitest'
import { configurationDocument, helpText } from './document.ts'
import { flagGroups } from './flags.ts'

describe('docs/configuration.md', () => {
  it('says what the table says (mend: npm run test:unit -- -u src/config)', async () => {
    await expect(configurationDocument()).toMatchFileSnapshot('../../docs/configuration.md')
  })
})

describe('the table', () => {
  it('names each flag once', () => {
    const names = Object.values(flagGroups).flatMap((group) => Object.keys(group))
    expect(new Set(names).size).toBe(names.length)
  })

  it('gives a reason for each flag without effect', () => {
    for (const group of Object.values(flagGroups)) {
      for (const [name, flag] of Object.entries(group)) {
        if ('state' in flag) expect({ name, why: flag.why }).toMatchObject({ why: expect.stringMatching(/./) })
      }
    }
  })
})

describe('helpText', () => {
  it('shows what works and leaves out what does not', () => {
    expect(helpText()).toContain('--git-url')
    expect(helpText()).not.toContain('--tiller-ip')
  })
})
