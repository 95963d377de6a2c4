import type { Overview } from '../api/contract/overview.ts'
import { html, type Html } from './html.ts'
import { stuckPart } from './parts/chain.ts'
import { queuePart } from './parts/queue.ts'
import { releasesPart, workloadsPart } from './parts/releases.ts'
import { sourcesPart } from './parts/sources.ts'
import { age, count } from './words.ts'

/** The page at `/`; `now` in Unix milliseconds. */
export function renderPage(overview: Overview, now: number): string {
  const { totals, sources, releases, unhealthy, stuck, notes, version, observedAt, healthy } = overview
  const body = html`<a class="skip" href="#main">To the content</a>
<header>
<h1>Capstan</h1>
<p id="verdict" role="status" class="${toneOf(overview)}">${verdictOf(overview)}</p>
<p class="quiet meta">${version}, seen <span id="seen" data-part>${age(observedAt, now)}</span> <span id="live">as loaded</span></p>
</header>
<nav aria-label="parts of this page"><a href="#causes">Causes</a> <a href="#sources">Sources</a> <a href="#releases">Releases</a> <a href="#workloads">Workloads</a> <a href="#queue">Queue</a></nav>
<main id="main">
<div id="notes" data-part>${notes.map((note) => html`<p class="note">${note}</p>`)}</div>
${tilesOf(overview)}
${stuckPart(stuck, now)}
${sourcesPart(sources, totals.sources.all, now)}
${releasesPart(releases, totals.releases.all)}
${workloadsPart(unhealthy, healthy || unhealthy.length > 0)}
${queuePart(overview, now)}
</main>`
  return documentOf(
    'Capstan',
    html`<link rel="stylesheet" href="/page.css"><script type="module" src="/page.mjs"></script>
<noscript><meta http-equiv="refresh" content="10"></noscript>`,
    body,
  )
}

/** What a browser sees that may not look. */
export function renderClosedPage(): string {
  return documentOf(
    'Capstan',
    html``,
    html`<main><h1>Capstan</h1><p>This browser is not let in, or not any more. On a machine where <code>capstan</code> reaches this server, say</p>
<p><code>capstan queue open</code></p><p>and open the link that it prints. It works once, for a few minutes.</p></main>`,
  )
}

/** What a browser sees for the moment in which it is let in: it then asks by itself, so that its cookie is sent along. */
export function renderEnteredPage(): string {
  return documentOf(
    'Capstan',
    html`<meta http-equiv="refresh" content="0; url=/">`,
    html`<main><p><a href="/">Capstan</a></p></main>`,
  )
}

function documentOf(title: string, head: Html, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">${head}</head>
<body>${body}</body>
</html>
`.markup
}

function toneOf({ ready, healthy }: Overview): string {
  if (!ready) return 'bad'
  return healthy ? 'good' : 'wait'
}

function verdictOf({ ready, healthy, totals, unhealthy }: Overview): string {
  const open = totals.sources.all - totals.sources.ready + totals.releases.all - totals.releases.ready
  if (!ready && open > 0) return `${count(open, 'thing')} not as git wants ${open === 1 ? 'it' : 'them'}`
  if (!ready) return 'It is not known whether all is as git wants it'
  if (healthy) return 'All is as git wants it'
  return unhealthy.length > 0
    ? `${count(unhealthy.length, 'workload')} not healthy yet`
    : 'The health of workloads is not known'
}

function tilesOf({ totals, unhealthy, lanes, queues }: Overview): Html {
  const waiting = lanes.reduce((all, lane) => all + lane.waiting, 0)
  const active = lanes.reduce((all, lane) => all + lane.active, 0)
  const failed = queues === null ? 0 : Object.values(queues).reduce((all, counts) => all + counts.failed, 0)
  return html`<ul id="tiles" class="tiles" data-part>
${ring('sources ready', totals.sources)}${ring('releases ready', totals.releases)}
<li><span class="big${unhealthy.length > 0 && ' bad'}">${unhealthy.length}</span> <span>workloads with problems</span></li>
<li><span class="big">${queues === null ? '?' : active + waiting}</span> <span>jobs running or waiting${failed > 0 && `, ${failed} failed`}</span></li>
</ul>`
}

/** How many of all are ready, as a ring that closes. */
function ring(word: string, { all, ready }: { all: number; ready: number }): Html {
  const around = 100
  const part = all === 0 ? 0 : Math.round((ready / all) * around)
  return html`<li><svg class="ring" viewBox="0 0 40 40" aria-hidden="true" focusable="false">
<circle class="ground" cx="20" cy="20" r="16" pathLength="${around}"/>
${part > 0 && html`<circle class="${ready === all ? 'good' : 'bad'}" cx="20" cy="20" r="16" pathLength="${around}" stroke-dasharray="${part} ${around}" transform="rotate(-90 20 20)"/>`}</svg>
<span class="big">${ready}<small>/${all}</small></span> <span>${word}</span></li>`
}
