import type { Source } from '../../api/contract/status.ts'
import { html, type Html } from '../html.ts'
import { age, badge, brief, count, shortRevision } from '../words.ts'

/** The repositories; what of them failed can be unfolded. */
export function sourcesPart(sources: readonly Source[], all: number, now: number): Html {
  return html`<section id="sources" aria-labelledby="sources-title" data-part>
<h2 id="sources-title">Sources</h2>
${
  sources.length === 0
    ? html`<p class="calm">There is none.</p>`
    : html`<div class="wide" tabindex="0"><table>
<thead><tr><th scope="col">source</th><th scope="col">state</th><th scope="col">follows</th><th scope="col">applied</th><th scope="col" class="number">objects</th><th scope="col">fetched</th></tr></thead>
<tbody>${sources.map((source) => rowOf(source, now))}</tbody></table></div>
${all > sources.length && html`<p class="quiet">${all - sources.length} more; see <code>capstan status</code>.</p>`}`
}
</section>`
}

function rowOf(source: Source, now: number): Html {
  const { namespace, name, url, ref, paths, revision, ready, healthy, reason, message, objects, fetchedAt } = source
  const state = ready
    ? badge(healthy ? 'good' : 'wait', healthy ? 'ready' : 'not healthy')
    : badge(source.suspended ? 'wait' : 'bad', reason || 'NotReady')
  return html`<tr>
<th scope="row"><span class="id">${namespace}/${name}</span><span class="sub">${url}${paths.length > 0 && ` (${paths.join(', ')})`}</span></th>
<td>${state}${!ready && message !== '' && html`<span class="sub">${brief(message)}</span>`}${failuresOf(source)}</td>
<td>${ref}</td><td class="id">${shortRevision(revision) || '–'}</td><td class="number">${objects}</td><td class="when">${age(fetchedAt, now) || '–'}</td>
</tr>`
}

function failuresOf({ namespace, name, failed, failedCount, held, drifted }: Source): Html | string {
  const all = [...failed, ...held]
  if (all.length + drifted.length === 0) return ''
  const title = [
    failedCount > 0 && `${failedCount} failed`,
    held.length > 0 && `${count(held.length, 'deletion')} held`,
    drifted.length > 0 && `${drifted.length} drifted`,
  ].filter((part) => part !== false)
  const where = ({ file, line }: { file: string; line: number }): string => (line > 0 ? `${file}:${line}` : file)
  return html`<details id="failed-${namespace}-${name}"><summary>${title.join(', ')}</summary><ul class="plain">
${all.map((one) => html`<li><strong>${one.reason}</strong> <span class="id">${one.id}</span> <span class="sub">${where(one)} ${brief(one.message)}</span></li>`)}
${drifted.map((one) => html`<li><strong>${one.reason}</strong> <span class="id">${one.id}</span> <span class="sub">${where(one)} ${one.fields.join(', ')} ${one.manager !== '' && `by ${one.manager}`}</span></li>`)}
</ul></details>`
}
