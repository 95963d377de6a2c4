import type { Release, Unhealthy } from '../../api/contract/status.ts'
import { html, type Html } from '../html.ts'
import { badge, brief, shortRevision } from '../words.ts'

/** The HelmReleases, those with problems first. */
export function releasesPart(releases: readonly Release[], all: number): Html {
  return html`<section id="releases" aria-labelledby="releases-title" data-part>
<h2 id="releases-title">Releases</h2>
${
  releases.length === 0
    ? html`<p class="calm">There is none.</p>`
    : html`<div class="wide" tabindex="0"><table>
<thead><tr><th scope="col">release</th><th scope="col">state</th><th scope="col">chart</th><th scope="col" class="number">revision</th></tr></thead>
<tbody>${releases.map(rowOf)}</tbody></table></div>
${all > releases.length && html`<p class="quiet">${all - releases.length} more; see <code>capstan status</code>.</p>`}`
}
</section>`
}

/** Workloads that are not healthy, failed ones first. */
export function workloadsPart(unhealthy: readonly Unhealthy[], isKnown: boolean): Html {
  const rows = unhealthy.map(
    ({ id, state, message }) => html`<tr><th scope="row" class="id">${id}</th>
<td>${badge(state === 'failed' ? 'bad' : 'wait', state)}</td><td>${brief(message)}</td></tr>`,
  )
  return html`<section id="workloads" aria-labelledby="workloads-title" data-part>
<h2 id="workloads-title">Workloads with problems</h2>
${
  rows.length === 0
    ? html`<p class="calm">${isKnown ? 'There is none.' : 'None is known.'}</p>`
    : html`<div class="wide" tabindex="0"><table><thead><tr><th scope="col">workload</th><th scope="col">state</th><th scope="col">what is known</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}
</section>`
}

function rowOf({
  namespace,
  name,
  release,
  targetNamespace,
  chart,
  revision,
  ready,
  healthy,
  state,
  ...rest
}: Release): Html {
  const word = ready
    ? badge(healthy ? 'good' : 'wait', healthy ? 'ready' : 'not healthy')
    : badge('bad', rest.reason || state)
  const helms = release === name && targetNamespace === namespace ? '' : `helm: ${targetNamespace}/${release}`
  return html`<tr>
<th scope="row"><span class="id">${namespace}/${name}</span>${helms !== '' && html`<span class="sub">${helms}</span>`}</th>
<td>${word}${!ready && rest.message !== '' && html`<span class="sub">${brief(rest.message)}</span>`}</td>
<td class="id">${shortRevision(chart)}</td><td class="number">${revision}</td></tr>`
}
