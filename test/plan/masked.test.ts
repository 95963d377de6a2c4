import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRedactor } from '../../src/adapters/log/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { diffObjects } from '../../src/domain/plan/diff.ts'
import { secretValues } from '../../src/domain/plan/masked.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Hazard K2 with the redactor that runs in the product. */
describe('a value of a Secret', () => {
  it('is not seen in any other object, as text, in base64 or in a longer text (500 random ones)', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9+/!$%&:;.,_-]{12,60}$/).filter((text) => !text.includes('*'))
    const around = fc.stringMatching(/^[a-z ]{0,20}$/)
    fc.assert(
      fc.property(value, value, around, (old, fresh, text) => {
        const redactor = createRedactor()
        for (const one of [old, fresh]) redactor.register(secretValues(secret(one)))
        const diff = diffObjects(config(old, text), config(fresh, text), redactor.redact)
        for (const one of [old, fresh]) {
          expect(diff).not.toContain(one)
          expect(diff).not.toContain(base64(one).replace(/=+$/, ''))
        }
        if (old !== fresh) expect(diff).toContain('(changed)')
      }),
      { numRuns: 500 },
    )
  })

  function secret(password: string): KubeObject {
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, data: { password: base64(password) } }
  }

  function config(password: string, text: string): KubeObject {
    const data = {
      url: `db://${text}:${password}@db`,
      encoded: base64(password),
      'app.properties': `# ${text}\npassword=${password}\nother=1\n`,
    }
    const env = [{ name: 'PASSWORD', value: password }]
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'web', annotations: { note: password } },
      data,
      env,
    }
  }
})
