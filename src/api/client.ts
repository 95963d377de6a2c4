import type { BrowserLink } from './contract/browser-link.ts'
import type { ExplainQuery, Explanation } from './contract/explain.ts'
import type {
  Accepted,
  Asker,
  Job,
  JobChanged,
  JobList,
  JobLog,
  JobQuery,
  QueueChanged,
  QueueCounts,
} from './contract/job.ts'
import type { ApproveRequest, Plan, PlanAccepted, PlanRequest, SuspendRequest } from './contract/plan.ts'
import type {
  AnswerAccepted,
  ImageAnswer,
  ImagePolicyTest,
  ImagesRequest,
  PolicyRequest,
  PolicyTest,
  PolicyVerdict,
  ReleaseRequest,
} from './contract/image.ts'
import { readServerEvents } from '../lib/server-events.ts'
import type {
  DeploymentList,
  Event,
  EventFilter,
  EventList,
  EventQuery,
  HistoryQuery,
  ReplayRequest,
  SinkList,
} from './contract/event.ts'
import type { WorkloadList, WorkloadQuery } from './contract/workload.ts'
import type { Overview } from './contract/overview.ts'
import type { Problem } from './contract/problem.ts'
import type { Identity, Version } from './contract/process.ts'
import type { ReleaseHistory, ReleasePlanRequest, RollbackRequest } from './contract/release.ts'
import type {
  CommitApplied,
  Release,
  ReleaseList,
  ReleaseQuery,
  Source,
  SourceList,
  SourceQuery,
  Status,
  StatusQuery,
} from './contract/status.ts'

/** One request to the API. `path` begins with a slash and holds the query; a body of bytes is a gzipped tar archive. */
export type TransportRequest = { method: 'GET' | 'POST'; path: string; body?: unknown; signal?: AbortSignal }
/** Sends a request with the token and gives the parsed JSON. Rejects with {@link Unreachable} when no answer came. */
export type Transport = ((request: TransportRequest) => Promise<{ status: number; body: unknown }>) & {
  /** Where the server is, once it is reached. */
  readonly locate?: () => Promise<Location>
  /** Opens a stream of text; what is refused is told as an answer is. */
  readonly stream?: (request: {
    path: string
    /** The media type that the stream must have. */
    accept: string
    headers: Readonly<Record<string, string>>
    signal?: AbortSignal
  }) => Promise<{ status: number; body: unknown } | { pieces: AsyncIterable<string> }>
}

/** Where a server is: without a slash at the end, and whether only for as long as this process forwards a port to it. */
export type Location = { url: string; isForwarded: boolean }

/** The server refused, and says why. */
export class ApiRefusal extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.name = 'ApiRefusal'
    this.problem = problem
  }
}

/** No server was found, or it did not answer. The message says which and what to do. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

type Options = { signal?: AbortSignal }

/** The API, typed. Every call throws {@link ApiRefusal} for an answer that is not 2xx. */
export type Client = {
  /** Where others of this machine find the server. */
  locate(): Promise<Location>
  version(options?: Options): Promise<Version>
  /** The public half of the deploy key; NotFound where there is none. */
  identity(options?: Options): Promise<Identity>
  status(options?: Options & StatusQuery): Promise<Status>
  /** What lets one browser in to look. */
  browserLink(options?: Options): Promise<BrowserLink>
  /** Everything at a glance. */
  overview(options?: Options): Promise<Overview>
  /** All of them, page after page. */
  sources(options?: Options & SourceQuery): Promise<SourceList>
  source(namespace: string, name: string, options?: Options): Promise<Source>
  /** Whether a commit is applied, also one that was not the last to be pushed. */
  commitApplied(namespace: string, name: string, commit: string, options?: Options): Promise<CommitApplied>
  /** All of them, page after page. */
  releases(options?: Options & ReleaseQuery): Promise<ReleaseList>
  release(namespace: string, name: string, options?: Options): Promise<Release>
  releaseHistory(namespace: string, name: string, options?: Options): Promise<ReleaseHistory>
  planRelease(namespace: string, name: string, request: ReleasePlanRequest, options?: Options): Promise<PlanAccepted>
  rollbackRelease(namespace: string, name: string, request: RollbackRequest, options?: Options): Promise<Accepted>
  suspendRelease(namespace: string, name: string, request: SuspendRequest, options?: Options): Promise<Accepted>
  resumeRelease(namespace: string, name: string, asker: Asker, options?: Options): Promise<Accepted>
  syncSource(namespace: string, name: string, asker: Asker, options?: Options): Promise<Accepted>
  planSource(namespace: string, name: string, request: PlanRequest, options?: Options): Promise<PlanAccepted>
  /** Plans a folder: a gzipped tar archive of at most 10 MB. */
  planFiles(
    namespace: string,
    name: string,
    upload: { archive: Uint8Array; full: boolean; by: string },
    options?: Options,
  ): Promise<PlanAccepted>
  plan(id: string, options?: Options): Promise<Plan>
  approveSource(namespace: string, name: string, request: ApproveRequest, options?: Options): Promise<Accepted>
  suspendSource(namespace: string, name: string, request: SuspendRequest, options?: Options): Promise<Accepted>
  resumeSource(namespace: string, name: string, asker: Asker, options?: Options): Promise<Accepted>
  syncRelease(namespace: string, name: string, asker: Asker, options?: Options): Promise<Accepted>
  /** One page. */
  workloads(query: WorkloadQuery, options?: Options): Promise<WorkloadList>
  releaseImages(namespace: string, name: string, request: ReleaseRequest, options?: Options): Promise<AnswerAccepted>
  changePolicies(namespace: string, name: string, request: PolicyRequest, options?: Options): Promise<AnswerAccepted>
  listImages(namespace: string, name: string, request: ImagesRequest, options?: Options): Promise<AnswerAccepted>
  testImagePolicy(namespace: string, name: string, request: ImagePolicyTest, options?: Options): Promise<AnswerAccepted>
  testPolicy(request: PolicyTest, options?: Options): Promise<PolicyVerdict>
  /** What a release, a change of policies or a question about images came to. */
  answer(id: string, options?: Options): Promise<ImageAnswer>
  /** What stops something; NotFound names what is near. */
  explain(query: ExplainQuery, options?: Options): Promise<Explanation>
  jobs(query: JobQuery, options?: Options): Promise<JobList>
  job(id: string, options?: Options): Promise<Job>
  /** A job at once, then whenever it has changed; ends with the job, and when the server ends the stream. `opened` is told that it began. */
  followJob(id: string, options: Options & { opened: () => void }): AsyncGenerator<Job>
  changeJob(id: string, change: JobChange, asker: Asker, options?: Options): Promise<JobChanged>
  queues(options?: Options): Promise<QueueCounts>
  /** Events as they happen, from after the one with this id; ends when the server ends the stream. `opened` is told that it began. */
  followEvents(filter: EventFilter, options: Options & { after: string; opened: () => void }): AsyncGenerator<Event>
  /** All events that are kept, oldest first, as pieces of a text with one JSON text a line. */
  exportEvents(filter: EventFilter, options?: Options): AsyncGenerator<string>
  /** What was written while a job ran, from the line `from` on. */
  jobLog(id: string, from: number, options?: Options): Promise<JobLog>
  /** Whether jobs of a kind are taken. */
  changeQueue(kind: JobKindName, change: 'pause' | 'resume', asker: Asker, options?: Options): Promise<QueueChanged>
  events(query: EventQuery, options?: Options): Promise<EventList>
  deployments(query: HistoryQuery, options?: Options): Promise<DeploymentList>
  sinks(options?: Options): Promise<SinkList>
  testSink(name: string, asker: Asker, options?: Options): Promise<Accepted>
  replaySink(name: string, request: ReplayRequest, options?: Options): Promise<Accepted>
}

/** A kind of job. */
export type JobKindName = Job['kind']

export type JobChange = 'retry' | 'cancel' | 'promote'

/** A client over any way to send requests. */
export function createClient(transport: Transport): Client {
  async function send<T>(request: TransportRequest): Promise<T> {
    const { status, body } = await transport(request)
    if (status < 200 || status > 299) throw new ApiRefusal(problemOf(status, body))
    return body as T
  }
  const get = async <T>(path: string, options: Options = {}): Promise<T> =>
    await send({ method: 'GET', path, ...options })
  const post = async <T>(path: string, body: unknown, options: Options = {}): Promise<T> =>
    await send({ method: 'POST', path, body, ...options })

  return {
    async locate() {
      if (transport.locate) return await transport.locate()
      throw new Unreachable('This way to the server is open to nobody else.')
    },
    version: (options) => get('/api/v1/version', options),
    identity: (options) => get('/api/v1/identity', options),
    status: ({ signal, ...query } = {}) => get(`/api/v1/status${searchOf(query)}`, only(signal)),
    browserLink: (options) => post('/api/v1/browser-links', {}, options),
    overview: (options) => get('/api/v1/overview', options),
    async sources({ signal, ...query } = {}) {
      const page = (range: object) =>
        get<SourceList>(`/api/v1/sources${searchOf({ ...query, ...range })}`, only(signal))
      return await everyPage(page, (all, { sources }) => ({ ...all, sources: [...all.sources, ...sources] }))
    },
    source: (namespace, name, options) => get(pathTo('sources', namespace, name), options),
    commitApplied: (namespace, name, commit, options) =>
      get(`${pathTo('sources', namespace, name)}/applied/${encodeURIComponent(commit)}`, options),
    async releases({ signal, ...query } = {}) {
      const page = (range: object) =>
        get<ReleaseList>(`/api/v1/releases${searchOf({ ...query, ...range })}`, only(signal))
      return await everyPage(page, (all, { releases }) => ({ ...all, releases: [...all.releases, ...releases] }))
    },
    release: (namespace, name, options) => get(pathTo('releases', namespace, name), options),
    releaseHistory: (namespace, name, options) => get(`${pathTo('releases', namespace, name)}/history`, options),
    planRelease: (namespace, name, request, options) =>
      post(`${pathTo('releases', namespace, name)}/plans`, request, options),
    rollbackRelease: (namespace, name, request, options) =>
      post(`${pathTo('releases', namespace, name)}/rollback`, request, options),
    suspendRelease: (namespace, name, request, options) =>
      post(`${pathTo('releases', namespace, name)}/suspend`, request, options),
    resumeRelease: (namespace, name, asker, options) =>
      post(`${pathTo('releases', namespace, name)}/resume`, asker, options),
    syncSource: (namespace, name, asker, options) => post(`${pathTo('sources', namespace, name)}/sync`, asker, options),
    planSource: (namespace, name, request, options) =>
      post(`${pathTo('sources', namespace, name)}/plans`, request, options),
    planFiles: (namespace, name, { archive, full, by }, options) => {
      const query = new URLSearchParams({ full: String(full), by }).toString()
      return post(`${pathTo('sources', namespace, name)}/plans?${query}`, archive, options)
    },
    plan: (id, options) => get(pathTo('plans', id), options),
    approveSource: (namespace, name, request, options) =>
      post(`${pathTo('sources', namespace, name)}/approve`, request, options),
    suspendSource: (namespace, name, request, options) =>
      post(`${pathTo('sources', namespace, name)}/suspend`, request, options),
    resumeSource: (namespace, name, asker, options) =>
      post(`${pathTo('sources', namespace, name)}/resume`, asker, options),
    syncRelease: (namespace, name, asker, options) =>
      post(`${pathTo('releases', namespace, name)}/sync`, asker, options),
    workloads: (query, options) => get(`/api/v1/workloads${searchOf(query)}`, options),
    ...imageCalls(get, post),
    explain: ({ subject, namespace }, options) => {
      const search = new URLSearchParams({ subject, ...(namespace ? { namespace } : {}) })
      return get(`/api/v1/explain?${search.toString()}`, options)
    },
    ...queueCalls(get, post),
    ...eventStreams(transport),
    events: (query, options) => get(`/api/v1/events${searchOf(query)}`, options),
    deployments: (query, options) => get(`/api/v1/history${searchOf(query)}`, options),
    sinks: (options) => get('/api/v1/sinks', options),
    testSink: (name, asker, options) => post(`${pathTo('sinks', name)}/test`, asker, options),
    replaySink: (name, request, options) => post(`${pathTo('sinks', name)}/replay`, request, options),
  }
}

type Get = <T>(path: string, options?: Options) => Promise<T>
type Post = <T>(path: string, body: unknown, options?: Options) => Promise<T>

function imageCalls(
  get: Get,
  post: Post,
): Pick<Client, 'releaseImages' | 'changePolicies' | 'listImages' | 'testImagePolicy' | 'testPolicy' | 'answer'> {
  return {
    releaseImages: (namespace, name, request, options) =>
      post(`${pathTo('sources', namespace, name)}/release`, request, options),
    changePolicies: (namespace, name, request, options) =>
      post(`${pathTo('sources', namespace, name)}/policies`, request, options),
    listImages: (namespace, name, request, options) =>
      post(`${pathTo('sources', namespace, name)}/images`, request, options),
    testImagePolicy: (namespace, name, request, options) =>
      post(`${pathTo('sources', namespace, name)}/policy-tests`, request, options),
    testPolicy: (request, options) => post('/api/v1/policy-tests', request, options),
    answer: (id, options) => get(pathTo('answers', id), options),
  }
}

function queueCalls(
  get: Get,
  post: Post,
): Pick<Client, 'jobs' | 'job' | 'changeJob' | 'queues' | 'jobLog' | 'changeQueue'> {
  return {
    jobs: (query, options) => get(`/api/v1/jobs${searchOf(query)}`, options),
    job: (id, options) => get(pathTo('jobs', id), options),
    changeJob: (id, change, asker, options) => post(`${pathTo('jobs', id)}/${change}`, asker, options),
    queues: (options) => get('/api/v1/queues', options),
    jobLog: (id, from, options) => get(`${pathTo('jobs', id)}/log?from=${from}`, options),
    changeQueue: (kind, change, asker, options) => post(`${pathTo('queues', kind)}/${change}`, asker, options),
  }
}

function only(signal: AbortSignal | undefined): Options {
  return signal ? { signal } : {}
}

/** The most that the server gives at once. */
const pageSize = 500

/** Reads on until the end; what is asked for is one list. */
async function everyPage<T extends { next: string }>(
  page: (range: { limit: number; cursor?: string }) => Promise<T>,
  join: (all: T, more: T) => T,
): Promise<T> {
  let all = await page({ limit: pageSize })
  for (let { next } = all; next !== ''; ) {
    const more = await page({ limit: pageSize, cursor: next })
    all = { ...join(all, more), next: '' }
    next = more.next === next ? '' : more.next
  }
  return all
}

/** What comes bit by bit. */
function eventStreams({ stream }: Transport): Pick<Client, 'followEvents' | 'followJob' | 'exportEvents'> {
  async function open(request: Parameters<NonNullable<Transport['stream']>>[0]): Promise<AsyncIterable<string>> {
    const opened = await stream?.(request)
    if (!opened) throw new Unreachable('This way to the server has no streams.')
    if ('status' in opened) throw new ApiRefusal(problemOf(opened.status, opened.body))
    return opened.pieces
  }
  return {
    async *followEvents(filter, { after, opened: begin, ...options }) {
      const path = `/api/v1/events/stream${searchOf(filter)}`
      const headers = { 'last-event-id': after }
      const pieces = await open({ path, accept: 'text/event-stream', headers, ...options })
      begin()
      for await (const { data } of readServerEvents(pieces)) yield JSON.parse(data) as Event
    },
    async *followJob(id, { opened: begin, ...options }) {
      const pieces = await open({
        path: `${pathTo('jobs', id)}/stream`,
        accept: 'text/event-stream',
        headers: {},
        ...options,
      })
      begin()
      for await (const { data } of readServerEvents(pieces)) yield JSON.parse(data) as Job
    },
    async *exportEvents(filter, options = {}) {
      const path = `/api/v1/events/export${searchOf(filter)}`
      yield* await open({ path, accept: 'application/x-ndjson', headers: {}, ...options })
    },
  }
}

function pathTo(...parts: string[]): string {
  return `/api/v1/${parts.map(encodeURIComponent).join('/')}`
}

/** Lists are given by repeating the name; what is undefined is left out. */
function searchOf(
  query: JobQuery | EventFilter | EventQuery | HistoryQuery | SourceQuery | ReleaseQuery | StatusQuery,
): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of [value].flat()) if (one !== undefined) search.append(name, String(one))
  return search.size > 0 ? `?${search.toString()}` : ''
}

/** A proxy or another server may answer with something else than a problem. */
function problemOf(status: number, body: unknown): Problem {
  const { detail, reason, title = '', unblock } = (body ?? {}) as Partial<Problem>
  if (typeof detail === 'string' && typeof reason === 'string') {
    return { type: 'about:blank', title, status, detail, reason, ...(unblock ? { unblock } : {}) }
  }
  return { type: 'about:blank', title: '', status, detail: `The server answered ${status}.`, reason: 'Unknown' }
}
