import type { ExplainStep, Explanation } from '../../api/contract/explain.ts'
import type { StuckThing } from '../../api/contract/overview.ts'
import { html, type Html } from '../html.ts'
import { age, badge, brief, count, due, type Tone } from '../words.ts'

/** Everything that stands still, each with the picture of its way and its first cause. */
export function stuckPart(stuck: readonly StuckThing[], now: number): Html {
  return html`<section id="causes" aria-labelledby="causes-title" data-part>
<h2 id="causes-title">Why is it not deployed?</h2>
${stuck.length === 0 ? html`<p class="calm">Nothing stands still.</p>` : stuck.map((one) => cardOf(one, now))}
</section>`
}

type State = ExplainStep['state']

const names = ['tag', 'policy', 'commit', 'revision', 'queue', 'hold', 'apply', 'rollout'] as const
const meanings: Record<(typeof names)[number], string> = {
  tag: 'the image in its registry',
  policy: 'which tag is wanted',
  commit: 'written to git',
  revision: 'fetched from git',
  queue: 'its turn in the queue',
  hold: 'nothing holds it back',
  apply: 'applied to the cluster',
  rollout: 'running and healthy',
}
const tones: Record<State, Tone> = { done: 'good', waiting: 'wait', stopped: 'bad', skipped: 'quiet', unknown: 'quiet' }
const stateWords: Record<State, string> = {
  done: 'done',
  waiting: 'goes on by itself',
  stopped: 'stopped',
  skipped: 'no part of this way',
  unknown: 'not known',
}
/** Several steps of one name are one station: the worst of them is shown. */
const worst: State[] = ['stopped', 'waiting', 'unknown', 'done', 'skipped']

function cardOf({ explanation, others }: StuckThing, now: number): Html {
  const { subject, state, cause } = explanation
  return html`<article class="card ${state === 'stopped' ? 'bad' : 'wait'}">
<h3><span class="kind">${subject.kind}</span> ${subject.id}</h3>
${chainOf(explanation)}
${
  cause !== null &&
  html`<p class="cause">${badge(state === 'stopped' ? 'bad' : 'wait', cause.reason)} ${brief(cause.message)}</p>
<dl class="facts">
<div><dt>at</dt><dd>${cause.step} of ${cause.of}${cause.at !== '' && html`, ${age(cause.at, now)}`}</dd></div>
${cause.unblock !== '' && html`<div><dt>what helps</dt><dd>${cause.unblock}</dd></div>`}
${cause.command !== '' && html`<div><dt>command</dt><dd><code>${cause.command}</code></dd></div>`}
<div><dt>next try</dt><dd>${cause.nextTryAt === '' ? 'when something changes' : due(cause.nextTryAt, now)}</dd></div>
${others.length > 0 && html`<div><dt>also stopped by it</dt><dd>${others.join(', ')}</dd></div>`}
</dl>`
}
${stepsOf(explanation, now)}
</article>`
}

/** The picture: eight stations in a line; the sign of each says how it stands. */
function chainOf({ steps, cause }: Explanation): Html {
  const stations = names.map((name) => {
    const state = stateOf(steps, name)
    const isCause = cause?.step === name
    return html`<li class="${tones[state]}${isCause && ' here'}" title="${meanings[name]}: ${stateWords[state]}">
<span class="dot" aria-hidden="true"></span><span class="name">${name}</span><span class="hidden">: ${stateWords[state]}${isCause && ', the first cause'}</span></li>`
  })
  return html`<ol class="chain" aria-label="the way from the tag to running pods">${stations}</ol>`
}

function stateOf(steps: readonly ExplainStep[], name: string): State {
  const states = steps.filter(({ step }) => step === name).map(({ state }) => state)
  return worst.find((state) => states.includes(state)) ?? 'skipped'
}

function stepsOf({ subject, steps }: Explanation, now: number): Html {
  const rows = steps.map(
    ({
      step,
      of,
      state,
      at,
      message,
    }) => html`<tr><th scope="row">${step}</th><td>${badge(tones[state], stateWords[state])}</td>
<td><span class="id">${of}</span></td><td>${brief(message)}</td><td class="when">${age(at, now)}</td></tr>`,
  )
  return html`<details id="steps-${subject.kind}-${subject.id}"><summary>${count(steps.length, 'step')}</summary>
<div class="wide" tabindex="0"><table><thead><tr><th scope="col">step</th><th scope="col">state</th><th scope="col">of</th><th scope="col">what is known</th><th scope="col">when</th></tr></thead>
<tbody>${rows}</tbody></table></div></details>`
}
