import { describe, expect, it } from 'vitest'
import { parseStatus, parseWarnings, refusal, type Status } from './failure.ts'

const write = { verb: 'apply', kind: 'ConfigMap', name: 'n:configmap/a', write: true }
const read = { verb: 'read', kind: 'ConfigMap', name: 'n:configmap/a', write: false }
const secret = { verb: 'apply', kind: 'Secret', name: 'n:secret/s', write: true }

type Refused = [fact: string, http: number, status: Status, asked: typeof write, reason: string, retry: string]

describe('what a refusal means', () => {
  it.each<Refused>([
    ['no right to read', 403, { message: 'x is forbidden' }, read, 'Forbidden', 'backoff'],
    ['no right to write', 403, { message: 'User "u" cannot patch resource "x"' }, write, 'Forbidden', 'backoff'],
    [
      'rights that we would give away',
      403,
      { message: 'user is attempting to grant RBAC permissions' },
      write,
      'Forbidden',
      'backoff',
    ],
    ['admission says no', 403, { message: 'violates PodSecurity "restricted"' }, write, 'AdmissionDenied', 'backoff'],
    ['a namespace under deletion', 403, { message: 'it is being terminated' }, write, 'ApplyRefused', 'backoff'],
    ['credentials refused', 401, {}, write, 'Forbidden', 'backoff'],
    ['a path that is not served', 404, {}, write, 'UnknownKind', 'backoff'],
    [
      'a namespace that is missing',
      404,
      { details: { kind: 'namespaces', name: 'n' } },
      write,
      'ApplyRefused',
      'backoff',
    ],
    ['an object that is gone', 404, { details: { kind: 'configmaps', name: 'a' } }, write, 'OtherWriter', 'backoff'],
    ['somebody was faster', 409, { reason: 'Conflict' }, write, 'OtherWriter', 'backoff'],
    [
      'a StatefulSet’s fixed fields',
      422,
      { message: 'updates to statefulset spec for fields other than x are forbidden' },
      write,
      'ImmutableField',
      'never',
    ],
    [
      'immutable said by a cause',
      422,
      { details: { causes: [{ message: 'field is immutable' }] } },
      write,
      'ImmutableField',
      'never',
    ],
    [
      'immutable said beside another mistake',
      422,
      { message: 'x', details: { causes: [{ message: 'field is immutable' }, { message: 'Required value' }] } },
      write,
      'ApplyRefused',
      'backoff',
    ],
    [
      'a role that a binding cannot change',
      422,
      { message: 'cannot change roleRef' },
      write,
      'ImmutableField',
      'never',
    ],
    ['an invalid value', 422, { message: 'Invalid value' }, write, 'ApplyRefused', 'backoff'],
    [
      'an object without its schema',
      500,
      { message: 'failed to create typed patch object' },
      write,
      'ApplyRefused',
      'never',
    ],
    [
      'a webhook',
      500,
      { reason: 'InternalError', message: 'failed calling webhook "x": context deadline exceeded' },
      write,
      'ApplyRefused',
      'backoff',
    ],
    ['a quota', 403, { message: 'pods "a" is forbidden: exceeded quota: q' }, write, 'QuotaExceeded', 'backoff'],
    [
      'a webhook that says no, whatever its code',
      400,
      { message: 'admission webhook "w.example" denied the request: no' },
      write,
      'AdmissionDenied',
      'backoff',
    ],
    ['the storage', 500, { message: 'etcdserver: request timed out' }, write, 'ClusterUnavailable', 'backoff'],
    ['any 500 when reading', 500, {}, read, 'ClusterUnavailable', 'backoff'],
    ['a gateway', 502, {}, write, 'ClusterUnavailable', 'backoff'],
    ['a request that we built wrongly', 400, {}, read, 'InternalError', 'never'],
    ['an object that cannot be read', 400, {}, write, 'ApplyRefused', 'never'],
  ])('%s', (...[, http, status, asked, reason, retry]) => {
    expect(refusal(http, status, asked)).toMatchObject({ reason, retry })
  })
})

describe('the sentence of a refusal', () => {
  it.each<[fact: string, http: number, status: Status, asked: typeof write, message: string]>([
    ['is the server’s, on one line', 422, { message: 'a:\n  - b' }, write, 'a: - b'],
    [
      'says what was asked when the server said nothing',
      400,
      {},
      write,
      'The API server answered 400 to apply ConfigMap n:configmap/a.',
    ],
    [
      'names the fields of a Secret, not their values',
      500,
      {
        message:
          'failed to create typed patch object (n/s; /v1, Kind=Secret): errors:\n  .data.pw: expected string, got &value{hunter2}\n  .foo: field not declared in schema',
      },
      secret,
      'The API server refused to apply Secret n:secret/s (status 500): .data.pw, .foo.',
    ],
    [
      'keeps harmless words about a Secret',
      500,
      { message: 'error decoding from json: illegal base64 data at input byte 4' },
      secret,
      'The API server refused to apply Secret n:secret/s (illegal base64 data at input byte 4).',
    ],
  ])('%s', (...[, http, status, asked, message]) => {
    expect(refusal(http, status, asked).message).toBe(message)
  })

  it('is cut', () => {
    const { message } = refusal(422, { message: 'x'.repeat(5000) }, write)
    expect(message).toHaveLength(1000)
    expect(message.endsWith('…')).toBe(true)
  })
})

describe('a body that is no Status', () => {
  it.each(['<html>', '404 page not found', '{"kind":"Pod"}', 'null', '"text"', ''])('%s tells nothing', (text) => {
    expect(parseStatus(text)).toEqual({})
  })
})

describe('warnings', () => {
  it.each<[fact: string, header: string | string[] | undefined, expected: string[]]>([
    ['none', undefined, []],
    ['one', '299 - "old API"', ['old API']],
    ['several headers', ['299 - "a"', '299 - "b"'], ['a', 'b']],
    ['several in one header, with commas and quotes', '299 - "a, \\"b\\"", 299 kube "c"', ['a, "b"', 'c']],
    ['nonsense', 'what', []],
  ])('%s', (_fact, header, expected) => {
    expect(parseWarnings(header)).toEqual(expected)
  })
})
