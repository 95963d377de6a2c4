import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ApiServerAccess, callApiServer } from './api-server.ts'
import { type Etcd, startEtcd } from './etcd.ts'
import { startKwok } from './kwok.ts'
import { freePort } from './ports.ts'
import type { Program } from './supervise.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'
import { until } from './until.ts'

export type ControlPlane = {
  /** A file with administrator rights and the server's own certificate authority. */
  kubeconfig: string
  access: ApiServerAccess
  etcd: Etcd
  apiServer: Program
  stop(): Promise<void>
}

export type ControlPlaneOptions = {
  supervisor?: Supervisor
  /** Paths of the binaries. Without kwok no pod ever runs. */
  binaries: { etcd: string; kubeApiserver: string; kubeControllerManager: string; kubeScheduler: string; kwok?: string }
  /** Data, certificates and the kubeconfig go here. */
  directory: string
  /** Of the API server. Default: a free one. */
  port?: number
  /** Called as each piece comes up. */
  report?: (line: string) => void
}

/**
 * Starts etcd, kube-apiserver, controller-manager, scheduler and (when given) kwok with one node, all on 127.0.0.1.
 * Resolves when the API server is ready and, with kwok, the node too.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { binaries, directory, report = () => {}, supervisor = createSupervisor({ directory }) } = options
  const etcd = await startEtcd({ supervisor, binary: binaries.etcd, directory })
  report(`etcd is up at ${etcd.url}`)
  const {
    program: apiServer,
    access,
    serviceAccountKey,
    certificate,
  } = await startApiServer(options, supervisor, etcd.url)
  const kubeconfig = join(directory, 'kubeconfig')
  writeFileSync(kubeconfig, kubeconfigText(access), { mode: 0o600 })
  await until('kube-apiserver', async () => (await callApiServer(access, 'GET', '/readyz')).status === 200, {
    logFile: apiServer.logFile,
  })
  report(`kube-apiserver is ready at ${access.url}`)

  const common = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--bind-address=127.0.0.1', '--secure-port=0']
  supervisor.start({
    name: 'kube-controller-manager',
    command: binaries.kubeControllerManager,
    args: [
      ...common,
      `--service-account-private-key-file=${serviceAccountKey}`,
      `--root-ca-file=${certificate}`,
      // A busy machine may keep kwok from renewing its lease; a node that is only played does not die of that.
      '--node-monitor-grace-period=5m',
    ],
  })
  supervisor.start({ name: 'kube-scheduler', command: binaries.kubeScheduler, args: common })
  if (binaries.kwok) {
    await startKwok({ supervisor, binary: binaries.kwok, kubeconfig, access, directory })
    report('kwok plays one node, on which pods become ready')
  }
  return { kubeconfig, access, etcd, apiServer, stop: () => supervisor.stopAll() }
}

async function startApiServer(options: ControlPlaneOptions, supervisor: Supervisor, etcdUrl: string) {
  const { binaries, directory } = options
  const port = options.port ?? (await freePort())
  const pki = join(directory, 'pki')
  mkdirSync(pki, { recursive: true, mode: 0o700 })
  const serviceAccountKey = join(pki, 'service-account.key')
  if (!existsSync(serviceAccountKey)) writeFileSync(serviceAccountKey, makeKey(), { mode: 0o600 })
  const token = randomBytes(24).toString('base64url')
  const tokens = join(pki, 'tokens.csv')
  writeFileSync(tokens, `${token},admin,admin,system:masters\n`, { mode: 0o600 })
  const program = supervisor.start({
    name: 'kube-apiserver',
    command: binaries.kubeApiserver,
    args: [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${pki}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${serviceAccountKey}`,
      `--service-account-signing-key-file=${serviceAccountKey}`,
      `--token-auth-file=${tokens}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--disable-admission-plugins=ServiceAccount',
      // Needs progress notifications of etcd 3.5, Debian has 3.4: clients that ask for it fail again and again; told no, they list.
      '--feature-gates=WatchList=false',
    ],
  })
  // It signs its certificate itself at the first start and appends the authority that it made for it.
  const certificate = join(pki, 'apiserver.crt')
  const ca = await until(
    'certificate of kube-apiserver',
    async () => existsSync(certificate) && complete(readFileSync(certificate, 'utf8')),
    { logFile: program.logFile },
  )
  return { program, access: { url: `https://127.0.0.1:${port}`, ca, token }, serviceAccountKey, certificate }
}

function complete(pem: string): string | undefined {
  return pem.split('-----END CERTIFICATE-----').length > 2 ? pem : undefined
}

function makeKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
}

function kubeconfigText({ url, ca, token }: ApiServerAccess): string {
  return `apiVersion: v1
kind: Config
current-context: playground
contexts:
  - name: playground
    context:
      cluster: playground
      user: admin
clusters:
  - name: playground
    cluster:
      server: ${url}
      certificate-authority-data: ${Buffer.from(ca).toString('base64')}
users:
  - name: admin
    user:
      token: ${token}
`
}
