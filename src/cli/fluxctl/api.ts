/** An image as fluxd tells it; times are absent where they are not known. */
export type Image = { ID?: string; CreatedAt?: string; LastFetched?: string } & Record<string, unknown>
export type Container = {
  Name?: string
  Current?: Image
  Available?: Image[] | null
  AvailableError?: string
} & Record<string, unknown>
export type Workload = {
  ID: string
  Containers: Container[] | null
  Status: string
  Rollout: { Desired: number; Updated: number; Ready: number; Outdated: number; Messages: string[] | null }
  Automated: boolean
  Locked: boolean
  Ignore: boolean
} & Record<string, unknown>
export type WorkloadImages = { ID: string; Containers: Container[] | null }

export type ContainerUpdate = { Container: string; Current: string; Target: string }
/** What became of each workload, by its ID. */
export type Results = Record<string, { Status: string; Error?: string; PerContainer?: ContainerUpdate[] | null }>
export type JobResult = { revision?: string; result?: Results | null }
export type JobStatus = { Result: JobResult; Err: string; StatusString: string }

export type GitConfig = {
  remote: { url: string; branch: string }
  publicSSHKey: { key: string; fingerprints?: Record<string, { hash: string; randomart: string }> }
  status: string
  errors: string
}

export type Cause = { Message: string; User: string }
export type UpdateSpec = { type: 'image' | 'containers' | 'policy' | 'sync'; cause: Cause; spec: unknown }

/** The part of fluxd's API that fluxctl 1.25 uses (flux-v1 §23). */
export type FluxApi = {
  workloads(namespace: string): Promise<Workload[]>
  workloadsNamed(ids: readonly string[]): Promise<Workload[]>
  /** `<all>`, or one workload; the namespace is empty then. */
  images(what: { service: string; namespace: string }): Promise<WorkloadImages[]>
  /** Gives the ID of the job. */
  update(spec: UpdateSpec): Promise<string>
  job(id: string): Promise<JobStatus>
  /** Commits that must still be applied until this one is. */
  notApplied(revision: string): Promise<string[]>
  gitConfig(regenerate: boolean): Promise<GitConfig>
  /** Manifests, in many documents. */
  exported(): Promise<string>
}

/** One request: the path is below `/api/flux`. Gives the JSON of the answer. */
export type FluxSend = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<unknown>

/** The API over any way to send requests. */
export function createFluxApi(send: FluxSend): FluxApi {
  const get = async (path: string, query: Record<string, string> = {}): Promise<unknown> => {
    const search = new URLSearchParams(query).toString()
    return await send('GET', `${path}${search ? `?${search}` : ''}`)
  }
  const list = async <T>(answer: Promise<unknown>): Promise<T[]> => ((await answer) as T[] | null) ?? []
  return {
    workloads: async (namespace) => await list(get('/v6/services', { namespace })),
    workloadsNamed: async (ids) => await list(get('/v11/services', { namespace: '', services: ids.join(',') })),
    images: async ({ namespace, service }) =>
      await list(get('/v10/images', { containerFields: '', namespace, service })),
    update: async (spec) => String(await send('POST', '/v9/update-manifests', spec)),
    job: async (id) => (await get('/v6/jobs', { id })) as JobStatus,
    notApplied: async (ref) => await list(get('/v6/sync', { ref })),
    gitConfig: async (regenerate) => (await send('POST', '/v9/git-repo-config', regenerate)) as GitConfig,
    exported: async () => Buffer.from(String(await get('/v6/export')), 'base64').toString('utf8'),
  }
}
