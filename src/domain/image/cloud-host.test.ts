import { describe, expect, it } from 'vitest'
import { cloudOf, type EcrFilter, isScannedEcr } from './cloud-host.ts'

const account = '123456789012'
const ecr = (region = 'eu-west-1', id = account) => `${id}.dkr.ecr.${region}.amazonaws.com`

describe('cloudOf', () => {
  it.each([
    ['ECR', ecr(), { cloud: 'ecr', account, region: 'eu-west-1', domain: 'amazonaws.com' }],
    [
      'ECR in China',
      `${ecr('cn-north-1')}.cn`,
      { cloud: 'ecr', account, region: 'cn-north-1', domain: 'amazonaws.com.cn' },
    ],
    ['GCR', 'gcr.io', { cloud: 'google' }],
    ['GCR of a continent', 'eu.gcr.io', { cloud: 'google' }],
    ['Artifact Registry', 'europe-west1-docker.pkg.dev', { cloud: 'google' }],
    ['ACR', 'mine.azurecr.io', { cloud: 'azure' }],
    ['ACR in China', 'mine.azurecr.cn', { cloud: 'azure' }],
    ['another registry', 'ghcr.io', undefined],
    ['a name that only ends like GCR', 'evilgcr.io', undefined],
    ['a name that only begins like GCR', 'gcr.io.evil.example', undefined],
    ['a name that only begins like ECR', `${ecr()}.evil.example`, undefined],
    ['a name that only begins like ACR', 'mine.azurecr.io.evil.example', undefined],
    ['a name that holds one of Artifact Registry', 'x-docker.pkg.dev.evil.example', undefined],
    ['a deeper name below Artifact Registry', 'evil.x-docker.pkg.dev', undefined],
    ['ECR with another port', `${ecr()}:444`, undefined],
    ['GCR with another port', 'gcr.io:8080', undefined],
  ])('%s', (_, host, expected) => {
    expect(cloudOf(host)).toEqual(expected)
  })
})

describe('isScannedEcr', () => {
  const filter = (change: Partial<EcrFilter> = {}): EcrFilter => ({
    regions: ['eu-west-1'],
    include: [],
    exclude: ['602401143452'],
    ...change,
  })
  it.each([
    ['a registry that is not of ECR', 'ghcr.io', filter({ regions: [] }), true],
    ['in a region of ours', ecr(), filter(), true],
    ['in another region', ecr('us-east-1'), filter(), false],
    ['no region is known', ecr(), filter({ regions: [] }), false],
    ['an excluded account', ecr('eu-west-1', '602401143452'), filter(), false],
    ['an included account', ecr(), filter({ include: [account] }), true],
    ['another account than those included', ecr(), filter({ include: ['000000000000'] }), false],
    ['excluded goes before included', ecr(), filter({ include: [account], exclude: [account] }), false],
  ])('%s', (_, host, rules, expected) => {
    expect(isScannedEcr(host, rules)).toBe(expected)
  })
})
