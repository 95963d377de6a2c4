import type { Job } from '../../api/contract/job.ts'
import type { LaneDepth, Overview } from '../../api/contract/overview.ts'
import { html, type Html } from '../html.ts'
import { age, badge, brief, distance, due, type Tone } from '../words.ts'

const width = 240
const asks: Record<string, string> = {
  person: 'people',
  webhook: 'pushes',
  change: 'changes in the cluster',
  image: 'new images',
  periodic: 'the clock',
}

/** The lanes as bars, the kinds of jobs in numbers, and what runs or failed; each job leads to the board. */
export function queuePart({ lanes, queues, jobs }: Pick<Overview, 'lanes' | 'queues' | 'jobs'>, now: number): Html {
  return html`<section id="queue" aria-labelledby="queue-title" data-part>
<h2 id="queue-title">Queue</h2>
${lanes.length === 0 ? html`<p class="calm">It is not known: Redis does not answer.</p>` : lanesOf(lanes)}
${queues !== null && kindsOf(queues)}
${jobs.length > 0 && jobsOf(jobs, now)}
<p class="quiet"><a href="/queues">The queue board</a> shows every job.</p>
</section>`
}

function lanesOf(lanes: readonly LaneDepth[]): Html {
  const most = Math.max(8, ...lanes.map(({ waiting, active }) => waiting + active))
  const scale = (jobs: number): number => (jobs === 0 ? 0 : Math.max(4, Math.round((jobs / most) * width)))
  const rows = lanes.map(({ lane, waiting, active, oldestWaitSeconds }) => {
    const [runs, waits] = [scale(active), scale(waiting)]
    return html`<tr><th scope="row">${lane}<span class="sub">${asks[lane]}</span></th>
<td class="bar"><svg viewBox="0 0 ${width} 14" preserveAspectRatio="none" aria-hidden="true" focusable="false">
<rect class="ground" width="${width}" height="14" rx="3"/><rect class="runs" width="${runs}" height="14" rx="3"/><rect class="waits" x="${runs}" width="${Math.min(waits, width - runs)}" height="14" rx="3"/></svg></td>
<td class="number">${active}</td><td class="number">${waiting}</td><td class="when">${waiting > 0 ? distance(oldestWaitSeconds * 1000) : '–'}</td></tr>`
  })
  return html`<div class="wide" tabindex="0"><table class="lanes"><caption>Lanes, the first goes first</caption>
<thead><tr><th scope="col">lane</th><th scope="col">depth</th><th scope="col" class="number">running</th><th scope="col" class="number">waiting</th><th scope="col">oldest</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

function kindsOf(queues: NonNullable<Overview['queues']>): Html {
  const states = ['active', 'waiting', 'delayed', 'failed', 'completed'] as const
  const busy = Object.entries(queues).filter(([, counts]) => states.some((state) => counts[state] > 0))
  if (busy.length === 0) return html`<p class="calm">There was no job yet.</p>`
  const rows = busy.map(
    ([kind, counts]) => html`<tr><th scope="row"><a href="/queues/queue/${kind}">${kind}</a></th>
${states.map((state) => html`<td class="number${state === 'failed' && counts.failed > 0 && ' alarm'}">${counts[state]}</td>`)}</tr>`,
  )
  return html`<div class="wide" tabindex="0"><table><caption>Jobs by kind</caption>
<thead><tr><th scope="col">kind</th>${states.map((state) => html`<th scope="col" class="number">${state}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div>`
}

const tones: Record<Job['state'], Tone> = {
  waiting: 'quiet',
  active: 'wait',
  delayed: 'wait',
  completed: 'good',
  failed: 'bad',
}

function jobsOf(jobs: readonly Job[], now: number): Html {
  const rows = jobs.map(
    (
      job,
    ) => html`<tr><th scope="row"><a href="${pathOf(job)}">${job.kind}</a><span class="sub id">${objectOf(job)}</span></th>
<td>${badge(tones[job.state], job.state)}</td><td>${brief(job.failure ?? job.waitsFor ?? job.reason)}</td>
<td class="when">${age(job.finishedAt ?? job.startedAt ?? job.requestedAt, now)}${job.nextRunAt !== undefined && html`<span class="sub">again ${due(job.nextRunAt, now)}</span>`}</td></tr>`,
  )
  return html`<div class="wide" tabindex="0"><table><caption>What runs, and what failed</caption>
<thead><tr><th scope="col">job</th><th scope="col">state</th><th scope="col">why</th><th scope="col">when</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

function objectOf({ namespace, name }: Job): string {
  return namespace === '' ? name : `${namespace}/${name}`
}

/** The board knows the jobs of schedulers under their own names, which have colons. */
function pathOf({ kind, id }: Job): string {
  const rest = id.slice(kind.length + 1)
  return `/queues/queue/${kind}/${encodeURIComponent(rest.includes('~') ? rest.replaceAll('~', ':') : id)}`
}
