import { describe, expect, it } from 'vitest'
import { type Fault, faultText } from './wrong-request.ts'

describe('what is wrong with a request', () => {
  it.each<[Fault, string, string]>([
    [
      {
        keyword: 'enum',
        instancePath: '/type/0',
        params: { allowedValues: ['sync', 'lock'] },
        message: 'must be equal …',
      },
      'querystring',
      'type in the query must be one of sync, lock.',
    ],
    [
      { keyword: 'maximum', instancePath: '/limit', params: { limit: 500 }, message: 'must be <= 500' },
      'querystring',
      'limit in the query must be <= 500.',
    ],
    [
      { keyword: 'required', instancePath: '', params: { missingProperty: 'commit' }, message: 'must have …' },
      'body',
      'the body must have commit.',
    ],
    [
      { keyword: 'additionalProperties', instancePath: '/workloads/a~1b', params: { additionalProperty: 'x' } },
      'body',
      'workloads.a/b in the body must not have x.',
    ],
    [
      { keyword: 'minLength', instancePath: '/subject', params: { limit: 1 }, message: 'must NOT have …' },
      'querystring',
      'subject in the query must not be empty.',
    ],
    [
      {
        keyword: 'maxItems',
        instancePath: '/namespace',
        params: { limit: 50 },
        message: 'must NOT have more than 50 items',
      },
      'querystring',
      'namespace in the query must not have more than 50 items.',
    ],
    [{ keyword: 'x', instancePath: '', params: {} }, 'params', 'the path is not valid.'],
  ])('%j', (fault, part, sentence) => {
    expect(faultText(fault, part)).toBe(sentence)
  })
})
