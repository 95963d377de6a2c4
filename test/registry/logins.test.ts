import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRun } from '../../src/adapters/process/index.ts'
import { createLogins, createRegistry, type Logins, type LoginsOptions } from '../../src/adapters/registry/index.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { type CloudRequest, type Reply, type StandIn, startInternet, startStandIn } from './stand-in.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const ecr = '123456789012.dkr.ecr.eu-west-1.amazonaws.com'
const keys = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret-key' }
const refusedLogin = { reason: 'RegistryAuthFailed' }
let directory: string
let nowMs: number
const closing: { close(): Promise<void> }[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'capstan-logins-'))
  nowMs = Date.UTC(2026, 0, 1)
})
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close()
  rmSync(directory, { recursive: true, force: true })
})

async function standIn(reply: Reply): Promise<StandIn> {
  const server = await startStandIn(reply)
  closing.push(server)
  return server
}

async function internet(reply: Reply): Promise<StandIn> {
  const server = await startInternet(reply)
  closing.push(server)
  return server
}

function logins(env: Record<string, string>, more: Partial<LoginsOptions> = {}): Logins {
  const made = createLogins({
    run: createRun({ redact: (text) => text }),
    log: silent,
    env: { HOME: directory, PATH: `${directory}:/usr/bin:/bin`, ...env },
    dockerConfig: '',
    nearMs: 60_000,
    azureFile: join(directory, 'azure.json'),
    now: () => new Date(nowMs),
    ...more,
  })
  closing.push(made)
  return made
}

const of = (host: string) => ({ host, insecure: true })
const file = (name: string, content: unknown, mode = 0o600) => {
  const path = join(directory, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  chmodSync(path, mode)
  return path
}
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const fieldsOf = ({ body }: CloudRequest) => Object.fromEntries(new URLSearchParams(body))

/** ECR as AWS describes it: JSON 1.1, a signature, a login in base64 with an end. */
const ecrReply =
  (hours = 12): Reply =>
  ({ headers }) => {
    if (!headers.authorization?.startsWith('AWS4-HMAC-SHA256 '))
      return { status: 400, body: { __type: 'MissingAuthenticationTokenException' } }
    const authorizationToken = Buffer.from(`AWS:token-at-${nowMs}`).toString('base64')
    return { body: { authorizationData: [{ authorizationToken, expiresAt: nowMs / 1000 + hours * 3600 }] } }
  }

describe('ECR', () => {
  it('gives a login for the keys in the environment', async () => {
    const aws = await standIn(ecrReply())
    const found = await logins({ ...keys, AWS_SESSION_TOKEN: 'session', AWS_ENDPOINT_URL_ECR: aws.url }).find(of(ecr))
    expect(found).toEqual({ username: 'AWS', password: `token-at-${nowMs}` })
    const [asked] = aws.seen
    expect(asked?.headers).toMatchObject({
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
      'x-amz-security-token': 'session',
      'x-amz-date': '20260101T000000Z',
    })
    expect(asked?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKID\/20260101\/eu-west-1\/ecr\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=[0-9a-f]{64}$/,
    )
  })

  it('is asked once for a region, and again before the login ends', async () => {
    const aws = await standIn(ecrReply())
    const made = logins({ ...keys, AWS_ENDPOINT_URL_ECR: aws.url })
    await Promise.all([made.find(of(ecr)), made.find(of(ecr.replace('123456789012', '210987654321')))])
    nowMs += 11 * 3600_000
    await made.find(of(ecr))
    expect(aws.seen).toHaveLength(1)
    nowMs += 55 * 60_000
    expect((await made.find(of(ecr)))?.password).toBe(`token-at-${nowMs}`)
    expect(aws.seen).toHaveLength(2)
  })

  it('is asked again at once for a login that a registry refused', async () => {
    const aws = await standIn(ecrReply())
    const made = logins({ ...keys, AWS_ENDPOINT_URL_ECR: aws.url })
    await made.find(of(ecr))
    made.refused(ecr)
    await made.find(of(ecr))
    expect(aws.seen).toHaveLength(2)
  })

  it('that refuses is left alone for ten minutes', async () => {
    const aws = await standIn(() => ({
      status: 400,
      body: { __type: 'com.amazon#AccessDeniedException', message: 'secret-key' },
    }))
    const made = logins({ ...keys, AWS_ENDPOINT_URL_ECR: aws.url })
    await expect(made.find(of(ecr))).rejects.toMatchObject({
      ...refusedLogin,
      message: expect.stringMatching(/^no login for ECR in eu-west-1: .* \(400 AccessDeniedException\)$/),
    })
    nowMs += 9 * 60_000
    await expect(made.find(of(ecr))).rejects.toMatchObject(refusedLogin)
    expect(aws.seen).toHaveLength(1)
    nowMs += 2 * 60_000
    await expect(made.find(of(ecr))).rejects.toMatchObject(refusedLogin)
    expect(aws.seen).toHaveLength(2)
  })

  it('that fails while the old login is good goes on with that', async () => {
    let isUp = true
    const aws = await standIn((request) => (isUp ? ecrReply()(request) : { status: 500 }))
    const made = logins({ ...keys, AWS_ENDPOINT_URL_ECR: aws.url })
    const first = await made.find(of(ecr))
    isUp = false
    nowMs += (11 * 60 + 52) * 60_000
    expect(await made.find(of(ecr))).toEqual(first)
    expect(await made.find(of(ecr))).toEqual(first)
    expect(aws.seen).toHaveLength(2)
  })

  it('takes the keys of the role of the pod’s service account', async () => {
    const sts = await standIn(() => ({
      body: '<R><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t+/=</SessionToken></Credentials></R>',
    }))
    const aws = await standIn(ecrReply())
    await logins({
      AWS_WEB_IDENTITY_TOKEN_FILE: file('token', 'the.web.token\n'),
      AWS_ROLE_ARN: 'arn:aws:iam::1:role/x',
      AWS_ENDPOINT_URL_STS: sts.url,
      AWS_ENDPOINT_URL_ECR: aws.url,
    }).find(of(ecr))
    expect(fieldsOf(sts.seen[0] as CloudRequest)).toMatchObject({
      Action: 'AssumeRoleWithWebIdentity',
      RoleArn: 'arn:aws:iam::1:role/x',
      WebIdentityToken: 'the.web.token',
    })
    expect(aws.seen[0]?.headers).toMatchObject({ 'x-amz-security-token': 't+/=' })
    expect(aws.seen[0]?.headers.authorization).toContain('Credential=ASIA1/')
  })

  it('takes the keys that a container is given', async () => {
    const agent = await standIn(() => ({ body: { AccessKeyId: 'ASIA2', SecretAccessKey: 's', Token: 't' } }))
    const aws = await standIn(ecrReply())
    await logins({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file('pod-token', 'pod'),
      AWS_ENDPOINT_URL_ECR: aws.url,
    }).find(of(ecr))
    expect(agent.seen[0]?.headers.authorization).toBe('pod')
    expect(aws.seen[0]?.headers.authorization).toContain('Credential=ASIA2/')
  })

  it('takes the keys of a profile in the shared file', async () => {
    file(
      '.aws/credentials',
      '[default]\naws_access_key_id = WRONG\n[other]\naws_access_key_id = AKID3\naws_secret_access_key = s/=+\n',
    )
    const aws = await standIn(ecrReply())
    await logins({ AWS_PROFILE: 'other', AWS_ENDPOINT_URL_ECR: aws.url }).find(of(ecr))
    expect(aws.seen[0]?.headers.authorization).toContain('Credential=AKID3/')
  })

  const metadata: Reply = ({ method, path, headers }) => {
    if (method === 'PUT' && path === '/latest/api/token') return { body: 'imds-token' }
    if (headers['x-aws-ec2-metadata-token'] !== 'imds-token') return { status: 401 }
    if (path === '/latest/meta-data/placement/region') return { body: 'eu-central-1' }
    if (path === '/latest/meta-data/iam/security-credentials/') return { body: 'node-role' }
    if (path.endsWith('/node-role'))
      return { body: { Code: 'Success', AccessKeyId: 'ASIA4', SecretAccessKey: 's', Token: 't' } }
    return { status: 404 }
  }

  it('takes the keys of the machine’s role, and its region', async () => {
    const machine = await standIn(metadata)
    const aws = await standIn(ecrReply())
    const made = logins({ AWS_EC2_METADATA_SERVICE_ENDPOINT: machine.url, AWS_ENDPOINT_URL_ECR: aws.url })
    await made.find(of(ecr))
    expect(aws.seen[0]?.headers.authorization).toContain('Credential=ASIA4/')
    expect(await made.region()).toBe('eu-central-1')
  })

  it('knows no region where nobody tells it', async () => {
    const machine = await standIn(() => ({ status: 404 }))
    const made = logins({ AWS_EC2_METADATA_SERVICE_ENDPOINT: machine.url })
    await expect(made.region()).rejects.toThrow('the metadata server of EC2 gives no token (404)')
    expect(await logins({ AWS_REGION: 'us-east-2' }).region()).toBe('us-east-2')
  })

  it('logs in at its registry, from the keys to the tags', async () => {
    const aws = await standIn(ecrReply())
    const net = await internet(({ headers, path }) => {
      if (path === '/v2/') return { body: {} }
      if (headers.authorization === basic('AWS', `token-at-${nowMs}`)) return { body: { tags: ['1.0.0'] } }
      return {
        status: 401,
        headers: { 'www-authenticate': `Basic realm="https://${ecr}/",service="ecr.amazonaws.com"` },
      }
    })
    const auth = await logins({ ...keys, AWS_ENDPOINT_URL_ECR: aws.url }).find(of(ecr))
    const registry = createRegistry({ log: silent, environment: { https_proxy: net.url } })
    closing.push(registry)
    expect(await registry.tags(`${ecr}/team/app`, { insecure: true, ...(auth ? { auth } : {}) })).toEqual(['1.0.0'])
  })
})

describe('Google', () => {
  const token: Reply = ({ path, headers }) =>
    path === '/computeMetadata/v1/instance/service-accounts/default/token' && headers['metadata-flavor'] === 'Google'
      ? { body: { access_token: `google-${nowMs}`, expires_in: 3600, token_type: 'Bearer' } }
      : { status: 403 }
  const host = (server: StandIn) => ({ GCE_METADATA_HOST: server.url.replace('http://', '') })

  it.each(['gcr.io', 'eu.gcr.io', 'europe-west1-docker.pkg.dev'])(
    'gives the token of the machine for %s',
    async (name) => {
      const made = logins(host(await standIn(token)))
      expect(await made.find(of(name))).toEqual({ username: 'oauth2accesstoken', password: `google-${nowMs}` })
    },
  )

  it('is asked once for all its registries, and again before the token ends', async () => {
    const server = await standIn(token)
    const made = logins(host(server))
    await made.find(of('gcr.io'))
    await made.find(of('eu.gcr.io'))
    expect(server.seen).toHaveLength(1)
    nowMs += 55 * 60_000
    await made.find(of('gcr.io'))
    expect(server.seen).toHaveLength(2)
  })

  it('is not asked for any other registry', async () => {
    const server = await standIn(token)
    const made = logins(host(server))
    for (const name of ['gcr.io.example.com', 'evilgcr.io', 'ghcr.io', 'gcr.io:8443'])
      expect(await made.find(of(name))).toBeUndefined()
    expect(server.seen).toEqual([])
  })

  it('elsewhere than at Google its registries are asked without a login, and nobody waits again', async () => {
    const server = await standIn(() => ({ status: 404 }))
    const made = logins(host(server))
    expect(await made.find(of('gcr.io'))).toBeUndefined()
    expect(await made.find(of('gcr.io'))).toBeUndefined()
    expect(server.seen).toHaveLength(1)
  })

  it('logs in at its registry by a token of its own host', async () => {
    const net = await internet(({ headers, path }) => {
      if (path === '/v2/') return { body: {} }
      if (path.startsWith('/v2/token')) {
        return headers.authorization === basic('oauth2accesstoken', `google-${nowMs}`)
          ? { body: { token: 'pull' } }
          : { status: 401 }
      }
      if (headers.authorization === 'Bearer pull') return { body: { tags: ['1.0.0'] } }
      return { status: 401, headers: { 'www-authenticate': 'Bearer realm="https://gcr.io/v2/token",service="gcr.io"' } }
    })
    const auth = await logins(host(await standIn(token))).find(of('gcr.io'))
    const registry = createRegistry({ log: silent, environment: { https_proxy: net.url } })
    closing.push(registry)
    expect(await registry.tags('gcr.io/team/app', { insecure: true, ...(auth ? { auth } : {}) })).toEqual(['1.0.0'])
  })
})

describe('Azure', () => {
  const host = 'mine.azurecr.io'
  /** The registry: a token of Azure's against one of its own. */
  const exchange: Reply = (request) =>
    request.path === '/oauth2/exchange' && fieldsOf(request).access_token === 'azure-token'
      ? { body: { refresh_token: 'registry-token' } }
      : { status: 401 }
  const exchanged = { username: '00000000-0000-0000-0000-000000000000', password: 'registry-token' }

  it('gives the client of azure.json', async () => {
    file('azure.json', { aadClientId: 'client', aadClientSecret: 'secret' })
    expect(await logins({}).find(of(host))).toEqual({ username: 'client', password: 'secret' })
  })

  it('exchanges the token of the machine at the registry, and nowhere else', async () => {
    file('azure.json', { aadClientId: 'msi', aadClientSecret: 'msi', userAssignedIdentityID: 'the-identity' })
    const machine = await standIn(({ headers }) =>
      headers.metadata === 'true' ? { body: { access_token: 'azure-token' } } : { status: 400 },
    )
    const net = await internet(exchange)
    const made = logins({ AZURE_POD_IDENTITY_AUTHORITY_HOST: machine.url, https_proxy: net.url })
    expect(await made.find(of(host))).toEqual(exchanged)
    expect(machine.seen[0]?.path).toContain('client_id=the-identity')
    expect(net.seen.map((one) => one.host)).toEqual([host])
    expect(fieldsOf(net.seen[0] as CloudRequest)).toMatchObject({ grant_type: 'access_token', service: host })
    await made.find(of(host))
    expect(net.seen).toHaveLength(1)
  })

  it('takes the identity of the pod', async () => {
    const authority = await standIn(() => ({ body: { access_token: 'azure-token' } }))
    const net = await internet(exchange)
    const made = logins({
      AZURE_FEDERATED_TOKEN_FILE: file('federated', 'federated-token'),
      AZURE_CLIENT_ID: 'client',
      AZURE_TENANT_ID: 'tenant',
      AZURE_AUTHORITY_HOST: authority.url,
      https_proxy: net.url,
    })
    expect(await made.find(of(host))).toEqual(exchanged)
    expect(authority.seen[0]?.path).toBe('/tenant/oauth2/v2.0/token')
    expect(fieldsOf(authority.seen[0] as CloudRequest)).toMatchObject({
      client_assertion: 'federated-token',
      client_id: 'client',
    })
  })

  it('checks the certificate of a registry that was not said to be insecure', async () => {
    const machine = await standIn(() => ({ body: { access_token: 'azure-token' } }))
    const net = await internet(exchange)
    const made = logins({ AZURE_POD_IDENTITY_AUTHORITY_HOST: machine.url, https_proxy: net.url })
    expect(await made.find({ host, insecure: false })).toBeUndefined()
    expect(net.seen).toEqual([])
  })
})

describe('a docker config file', () => {
  const helper = (name: string, script: string) => file(`docker-credential-${name}`, `#!/bin/sh\n${script}\n`, 0o755)
  const withConfig = (config: unknown, env: Record<string, string> = {}) =>
    logins(env, { dockerConfig: file('config.json', config) })

  it('gives its login for the host', async () => {
    const made = withConfig({ auths: { 'r.example:5000': { auth: btoa('user:pass') } } })
    expect(await made.find(of('r.example:5000'))).toEqual({ username: 'user', password: 'pass' })
    expect(await made.find(of('other.example'))).toBeUndefined()
  })

  it('is read anew each time', async () => {
    const made = withConfig({ auths: {} })
    expect(await made.find(of('r.example'))).toBeUndefined()
    file('config.json', { auths: { 'r.example': { auth: btoa('user:pass') } } })
    expect(await made.find(of('r.example'))).toEqual({ username: 'user', password: 'pass' })
  })

  it('that cannot be read is not one without logins', async () => {
    const made = logins({}, { dockerConfig: join(directory, 'gone.json') })
    await expect(made.find(of('r.example'))).rejects.toMatchObject({
      ...refusedLogin,
      message: expect.stringContaining('ENOENT'),
    })
  })

  it('goes before the login of the machine, and after that of ECR', async () => {
    const machine = await standIn(() => ({ status: 500 }))
    const aws = await standIn(ecrReply())
    const auths = { 'gcr.io': { auth: btoa('user:pass') }, [ecr]: { auth: btoa('user:pass') } }
    const env = { GCE_METADATA_HOST: machine.url.replace('http://', ''), AWS_ENDPOINT_URL_ECR: aws.url, ...keys }
    const made = withConfig({ auths }, env)
    expect((await made.find(of('gcr.io')))?.username).toBe('user')
    expect(machine.seen).toEqual([])
    expect((await made.find(of(ecr)))?.username).toBe('AWS')
  })

  it('runs the helper that it names, which learns the server and nothing of ours', async () => {
    helper(
      'corp',
      `read server; env > ${directory}/env; echo "{\\"Username\\":\\"$server\\",\\"Secret\\":\\"$AWS_PROFILE\\"}"`,
    )
    const made = withConfig(
      { credHelpers: { 'r.example': 'corp' } },
      { AWS_PROFILE: 'ops', CAPSTAN_GIT_TOKEN: 'hidden', REDIS_URL: 'x' },
    )
    expect(await made.find(of('r.example'))).toEqual({ username: 'r.example', password: 'ops' })
    expect(readFileSync(join(directory, 'env'), 'utf8')).not.toMatch(/CAPSTAN|REDIS/)
  })

  it('takes its own login where the store knows of none', async () => {
    helper('store', 'echo "credentials not found in native keychain"; exit 1')
    const made = withConfig({ credsStore: 'store', auths: { 'r.example': { auth: btoa('user:pass') } } })
    expect(await made.find(of('r.example'))).toEqual({ username: 'user', password: 'pass' })
    expect(await made.find(of('other.example'))).toBeUndefined()
  })

  it.each([
    ['fails', 'echo "password is secret" >&2; exit 3'],
    ['answers nonsense', 'echo nonsense'],
    ['is not there', undefined],
  ])('a helper that %s is not one that knows of none', async (_, script) => {
    if (script) helper('odd', script)
    const failed = withConfig({ credsStore: 'odd' }).find(of('r.example'))
    await expect(failed).rejects.toMatchObject(refusedLogin)
    await expect(failed).rejects.not.toThrow(/secret/)
  })

  it('a helper that hangs is ended with its job', async () => {
    helper('slow', `touch ${directory}/begun; exec sleep 600`)
    const controller = new AbortController()
    const failed = withConfig({ credsStore: 'slow' }).find(of('r.example'), controller.signal)
    controller.abort(new Error('stopped'))
    await expect(failed).rejects.toThrow('stopped')
  })

  it('with an identity token gets tokens for that, and shows it to the token server only', async () => {
    const made = withConfig({ auths: { 'r.example': { identitytoken: 'identity' } } })
    const auth = await made.find(of('r.example'))
    const net = await internet((request) => {
      if (request.path === '/v2/') return { body: {} }
      if (request.path.startsWith('/token')) {
        return fieldsOf(request).refresh_token === 'identity' ? { body: { access_token: 'pull' } } : { status: 401 }
      }
      if (request.headers.authorization === 'Bearer pull') return { body: { tags: ['1'] } }
      return { status: 401, headers: { 'www-authenticate': 'Bearer realm="https://r.example/token",service="s"' } }
    })
    const registry = createRegistry({ log: silent, environment: { https_proxy: net.url } })
    closing.push(registry)
    expect(await registry.tags('r.example/app', { insecure: true, ...(auth ? { auth } : {}) })).toEqual(['1'])
    const tokenRequest = net.seen.find(({ path }) => path.startsWith('/token')) as CloudRequest
    expect(tokenRequest).toMatchObject({ method: 'POST', path: '/token' })
    expect(fieldsOf(tokenRequest)).toMatchObject({
      grant_type: 'refresh_token',
      service: 's',
      scope: 'repository:app:pull',
    })
    expect(net.seen.filter(({ body }) => body.includes('identity'))).toHaveLength(1)
  })
})
