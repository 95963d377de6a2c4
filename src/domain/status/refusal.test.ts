import { describe, expect, it } from 'vitest'
import { refusalOf } from './refusal.ts'

describe('refusalOf', () => {
  it.each([
    [
      'pods "web-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1',
      'QuotaExceeded',
    ],
    ['admission webhook "rules.example" denied the request: no', 'AdmissionDenied'],
    [
      "deployments \"web\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
      'AdmissionDenied',
    ],
    [
      'pods "web" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
      'AdmissionDenied',
    ],
    ['failed calling webhook "rules.example": context deadline exceeded', undefined],
    ['Deployment "web" is invalid: spec.replicas: must be a number', undefined],
  ])('%s → %s', (message, word) => {
    expect(refusalOf(message)).toBe(word)
  })
})
