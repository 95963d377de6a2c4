import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRegistryPush } from './registry-push.ts'

const read = (payload: unknown) => readRegistryPush(new TextEncoder().encode(JSON.stringify(payload)))
const distribution = (change: object = {}) => ({
  id: '320678d8',
  action: 'push',
  target: { repository: 'team/app', tag: '1.0.0', url: 'http://r.example:5000/v2/team/app/manifests/sha256:0' },
  request: { host: 'r.example:5000', method: 'PUT' },
  ...change,
})
const github = (change: object = {}) => ({
  action: 'published',
  registry_package: {
    name: 'hello_docker',
    namespace: 'codertocat',
    package_type: 'CONTAINER',
    owner: { login: 'Codertocat' },
    package_version: {
      package_url: 'ghcr.io/codertocat/hello_docker:latest',
      container_metadata: { tag: { name: 'latest', digest: 'sha256:0' } },
    },
    ...change,
  },
})
const harbor = (type: string) => ({
  type,
  occur_at: 1680501893,
  operator: 'harbor-jobservice',
  event_data: {
    resources: [{ digest: 'sha256:0', tag: '1.0.0', resource_url: 'harbor.example/library/app:1.0.0' }],
    repository: { name: 'app', namespace: 'library', repo_full_name: 'library/app', repo_type: 'public' },
  },
})
const google = (data: object) => ({
  message: { data: btoa(JSON.stringify(data)), messageId: '1' },
  subscription: 'projects/p/subscriptions/s',
})
const ecr = (change: object = {}) => ({
  'detail-type': 'ECR Image Action',
  source: 'aws.ecr',
  account: '123456789012',
  region: 'us-west-2',
  detail: { 'action-type': 'PUSH', result: 'SUCCESS', 'repository-name': 'team/app', 'image-tag': '1', ...change },
})

describe('readRegistryPush', () => {
  const rows: [why: string, payload: unknown, expected: unknown][] = [
    ['distribution', { events: [distribution()] }, [{ name: 'r.example:5000/team/app', tag: '1.0.0' }]],
    ['a pull at distribution', { events: [distribution({ action: 'pull' })] }, []],
    [
      'each repository once',
      { events: [distribution(), distribution()] },
      [{ name: 'r.example:5000/team/app', tag: '1.0.0' }],
    ],
    [
      'Docker Hub',
      {
        push_data: { tag: 'latest', pusher: 'x', pushed_at: 1 },
        repository: { repo_name: 'svendowideit/app', name: 'app' },
      },
      [{ name: 'index.docker.io/svendowideit/app', tag: 'latest' }],
    ],
    [
      'Quay',
      { name: 'app', repository: 'me/app', docker_url: 'quay.io/me/app', updated_tags: ['old', 'new'] },
      [{ name: 'quay.io/me/app', tag: 'new' }],
    ],
    [
      'an older Quay',
      { docker_url: 'quay.io/me/app', updated_tags: { new: 'id' } },
      [{ name: 'quay.io/me/app', tag: 'new' }],
    ],
    ['Harbor', harbor('PUSH_ARTIFACT'), [{ name: 'harbor.example/library/app', tag: '1.0.0' }]],
    ['a pull at Harbor', harbor('PULL_ARTIFACT'), []],
    [
      'Harbor as a CloudEvent',
      { specversion: '1.0', type: 'harbor.artifact.pushed', data: harbor('').event_data },
      [{ name: 'harbor.example/library/app', tag: '1.0.0' }],
    ],
    ['GHCR', github(), [{ name: 'ghcr.io/codertocat/hello_docker', tag: 'latest' }]],
    [
      'GHCR without a URL',
      github({ package_version: { container_metadata: { tag: { name: '1' } } } }),
      [{ name: 'ghcr.io/codertocat/hello_docker', tag: '1' }],
    ],
    [
      'GHCR, an image without a tag',
      github({ package_version: { package_url: 'ghcr.io/codertocat/hello_docker:' } }),
      [{ name: 'ghcr.io/codertocat/hello_docker', tag: '' }],
    ],
    ['a package of GitHub that is no image', github({ package_type: 'npm' }), []],
    ['a ping of GitHub', { zen: 'Design for failure.', hook_id: 1 }, []],
    ['ACR', distribution(), [{ name: 'r.example:5000/team/app', tag: '1.0.0' }]],
    ['a ping of ACR', { id: 'x', action: 'ping' }, []],
    [
      'Google',
      google({ action: 'INSERT', digest: 'gcr.io/p/app@sha256:0', tag: 'gcr.io/p/app:1.1' }),
      [{ name: 'gcr.io/p/app', tag: '1.1' }],
    ],
    ['a delete at Google', google({ action: 'DELETE', tag: 'gcr.io/p/app:1.1' }), []],
    ['ECR', ecr(), [{ name: '123456789012.dkr.ecr.us-west-2.amazonaws.com/team/app', tag: '1' }]],
    ['a delete at ECR', ecr({ 'action-type': 'DELETE' }), []],
    ['a name that is none', { push_data: { tag: '1' }, repository: { repo_name: '../../x' } }, []],
    ['a host that is none', { docker_url: 'quay.io@evil.example/x/y', updated_tags: ['1'] }, []],
    ['a name without a host', { docker_url: 'app', updated_tags: ['1'] }, []],
    ['something else', { ref: 'refs/heads/main' }, undefined],
    ['a list', [], undefined],
  ]
  it.each(rows)('%s', (_, payload, expected) => {
    expect(read(payload)).toEqual(expected)
  })

  it('takes nothing from what is no JSON', () => {
    expect(readRegistryPush(new TextEncoder().encode('{'))).toBeUndefined()
  })

  it('never throws, whatever stands in the fields', () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.array(fc.string()),
      fc.dictionary(fc.string(), fc.jsonValue()),
    )
    const keys = [
      'events',
      'push_data',
      'repository',
      'docker_url',
      'updated_tags',
      'type',
      'event_data',
      'package',
      'message',
    ]
    const payload = fc.dictionary(
      fc.constantFrom(...keys, 'subscription', 'action', 'id', 'detail', 'detail-type'),
      value,
    )
    fc.assert(
      fc.property(payload, (one) => {
        const found = read(one)
        expect(found === undefined || Array.isArray(found)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
